"""Print the ops of one burst, and the interrupts that the hypervisor delivers for them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status, UsageError, unknown
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.guest import Guest
    from pvbench.linux_era import LinuxEra
    from pvbench.ops import Burst
    from pvbench.plugin.registry import Registry
    from pvbench.report.explained import Question
    from pvbench.sender import Stack

HELP = "print the ops of a sender, decoded"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench explain`."""
    parser.add_argument(
        "sender",
        help="overlay, driver or OVERLAY/DRIVER; an overlay alone is laid over the driver that "
        "the kernel would choose",
    )
    parser.add_argument(
        "--targets",
        metavar="ID,...",
        help="APIC IDs of the targets, like 1,128,0 or 0-79; without --guest they are those of "
        "all CPUs, in CPU-number order (with --guest: all CPUs but the source)",
    )
    parser.add_argument(
        "--guest", metavar="TOPOLOGY", help="guest, in the forms of `pvbench run --guest`"
    )
    parser.add_argument(
        "--source", type=int, default=0, metavar="CPU", help="number of the sending CPU (0)"
    )
    parser.add_argument(
        "--operation",
        default="send_IPI_mask",
        metavar="FUNCTION",
        help="kernel function that is called (send_IPI_mask); others: send_IPI, "
        "send_IPI_self, send_IPI_all, send_IPI_allbutself, smp_call_function_many, ...",
    )
    parser.add_argument("--vector", type=common.vector, help="vector, 0x20..0xff; 2 is an NMI")
    parser.add_argument(
        "--linux", metavar="VERSION", help="kernel of the guest, such as 4.19 (a current one)"
    )
    parser.add_argument(
        "--vendor",
        choices=("Intel", "AMD", "Hygon"),
        default="Intel",
        help="vendor of the guest's CPUs (Intel)",
    )
    common.bits_option(parser)
    output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Print ops, destinations and counts."""
    from pvbench.report.explained import document

    registry = common.registry(options)
    question = _question(options, registry)
    common.show(document(question), options)
    return Status.OK


def _stack(name: str, registry: Registry, guest: Guest, linux: LinuxEra) -> Stack:
    """The stack called *name*; an overlay lies over the driver that the kernel chooses."""
    from pvbench.run.stacks import NATIVE, stacks_of

    native = registry.native_driver(guest, linux)
    return stacks_of([name], [NATIVE], registry, native)[0]


def _question(options: argparse.Namespace, registry: Registry) -> Question:
    """
    The burst that the options describe, and the ops for it.

    Raises:
        UsageError: the burst is impossible, or the sender does not support it.
    """
    from pvbench.dispatch import program
    from pvbench.linux_era import CURRENT, parsed
    from pvbench.report.explained import Question

    plain, linux = _guest(options), parsed(options.linux or CURRENT, options.vendor)
    stack = _stack(options.sender, registry, plain, linux)
    burst = _burst(options, plain)
    guest = stack.guest(plain)
    reason = stack.why_unsupported(guest, linux) or stack.sender.why_refused(burst, guest)
    if reason:
        raise UsageError(f"{stack.name} cannot do this", why=reason)
    sent = program(stack, burst, guest, linux=linux)
    return Question(sender=options.sender, stack=stack, guest=guest, burst=burst, sent=sent)


def _guest(options: argparse.Namespace) -> Guest:
    """The guest of --guest; without it the targets are all of its CPUs."""
    from pvbench.guest import Guest
    from pvbench.id_lists import parsed
    from pvbench.topology import parse_guest

    if options.guest is not None:
        return parse_guest(options.guest, bits=options.bits)
    if options.targets is None:
        raise UsageError("a burst needs a guest", fix="Give --targets or --guest.")
    try:
        return Guest(name="explain", apic_ids=parsed(options.targets), bits=options.bits)
    except ValueError as error:
        raise UsageError("this burst is impossible", why=str(error)) from None


def _burst(options: argparse.Namespace, guest: Guest) -> Burst:
    from pvbench.guest import ranges
    from pvbench.ops import Burst

    if options.source not in guest.online:
        raise UsageError(
            f"CPU {options.source} cannot send",
            why=f"the guest has CPUs {', '.join(ranges(guest.online))} online",
            fix="Give another --source.",
        )
    vector = {} if options.vector is None else {"vector": options.vector}
    try:
        return Burst(
            source=options.source,
            operation=_operation(options.operation),
            targets=_targets(options, guest),
            **vector,
        )
    except ValueError as error:
        raise UsageError("this burst is impossible", why=str(error)) from None


def _operation(name: str) -> str:
    from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS

    functions = (*CSD_OPERATIONS, *BARE_OPERATIONS)
    if name in functions:
        return name
    raise unknown("kernel function", name, functions, f"Functions: {', '.join(functions)}.")


def _targets(options: argparse.Namespace, guest: Guest) -> tuple[int, ...]:
    """CPU numbers of the targets."""
    from pvbench.id_lists import parsed

    if options.targets is None:
        return guest.others(options.source)
    cpu_of = {guest.apic_ids[cpu]: cpu for cpu in guest.online}
    ids = parsed(options.targets)
    if missing := [apic_id for apic_id in ids if apic_id not in cpu_of]:
        raise ValueError(f"the guest has no online CPU with APIC ID {missing[0]}")
    return tuple(cpu_of[apic_id] for apic_id in ids)
