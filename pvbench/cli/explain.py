"""Print the ops of one burst, and the interrupts that the hypervisor delivers for them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pvbench.cli import common
from pvbench.errors import Status, UsageError, unknown

if TYPE_CHECKING:
    from pvbench.decode.sends import Sends
    from pvbench.dispatch import Sent
    from pvbench.guest import Guest
    from pvbench.ops import Burst, Op
    from pvbench.plugin.registry import Registry
    from pvbench.report.document import Document, Table
    from pvbench.sender import Stack

HELP = "print the ops of a sender, decoded"


class _Question(NamedTuple):
    """A burst in a guest, and the ops that *sender* computes for it."""

    sender: str
    stack: Stack
    guest: Guest
    burst: Burst
    sent: Sent


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench explain`."""
    parser.add_argument(
        "sender",
        help="overlay, driver or OVERLAY/DRIVER; an overlay alone is laid over x2apic-physical",
    )
    parser.add_argument(
        "--targets",
        required=True,
        metavar="ID,...",
        help="APIC IDs in CPU-number order, like 1,128,0 or 0-79",
    )
    parser.add_argument(
        "--operation",
        default="send_IPI_mask",
        metavar="FUNCTION",
        help="kernel function that is called (send_IPI_mask); others: send_IPI, "
        "send_IPI_self, send_IPI_all, send_IPI_allbutself, smp_call_function_many, ...",
    )
    parser.add_argument("--vector", type=common.vector, help="vector, 0x20..0xff; 2 is an NMI")
    common.bits_option(parser)
    common.output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Print ops, destinations and counts."""
    registry = common.registry(options)
    common.show(_document(_question(options, _stack(options.sender, registry))), options)
    return Status.OK


def _stack(name: str, registry: Registry) -> Stack:
    sender = registry.get("sender", name) if "/" not in name else None
    if sender is None or name in registry.drivers:
        return registry.stack(name)
    return registry.stack(f"{name}/x2apic-physical")


def _question(options: argparse.Namespace, stack: Stack) -> _Question:
    """
    The burst of the last CPU of a guest to all others, which are the targets.

    Raises:
        UsageError: the burst is impossible, or the sender does not support it.
    """
    from pvbench.dispatch import program

    plain, burst = _burst(options)
    guest = stack.guest(plain)
    reason = stack.why_unsupported(guest) or stack.sender.why_refused(burst, guest)
    if reason:
        raise UsageError(f"{stack.name} cannot do this", why=reason)
    sent = program(stack, burst, guest, shorthands=False)
    return _Question(sender=options.sender, stack=stack, guest=guest, burst=burst, sent=sent)


def _burst(options: argparse.Namespace) -> tuple[Guest, Burst]:
    from pvbench.guest import Guest
    from pvbench.id_lists import parsed
    from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst

    functions = (*CSD_OPERATIONS, *BARE_OPERATIONS)
    if options.operation not in functions:
        listing = f"Functions: {', '.join(functions)}."
        raise unknown("kernel function", options.operation, functions, listing)
    ids = parsed(options.targets)
    source = min(set(range(len(ids) + 1)) - set(ids))  # the lowest ID that no target has
    vector = {} if options.vector is None else {"vector": options.vector}
    try:
        plain = Guest(name="explain", apic_ids=(*ids, source), bits=options.bits)
        burst = Burst(
            source=len(ids),
            operation=options.operation,
            targets=range(len(ids)),
            **vector,
        )
    except ValueError as error:
        raise UsageError("this burst is impossible", why=str(error)) from None
    return plain, burst


def _decoded(question: _Question) -> list[Sends]:
    from pvbench.decode.decoder import Decoder

    return Decoder(question.guest, question.burst.source).sends(question.sent.program)


def _counts(sends: list[Sends], question: _Question) -> dict[str, int]:
    from pvbench.decode.sends import counted
    from pvbench.dispatch import reached

    icr_writes, hypercalls = counted(sends)
    hit = {cpu for send in sends for cpu in send.cpus.tolist()}
    lost = len(set(reached(question.burst, question.guest)) - hit)
    return {"icr_writes": icr_writes, "hypercalls": hypercalls, "lost": lost}


def _document(question: _Question) -> Document:
    from pvbench.report.document import Document, Heading, Notes, facts

    sends = _decoded(question)
    counts = _counts(sends, question)
    titles = {"icr_writes": "ICR writes", "hypercalls": "hypercalls", "lost": "targets lost"}
    return Document(
        [
            facts({"sender": question.sender}, shown=False),
            Heading(_sentence(question)),
            _ops(question, sends),
            facts(counts, name="counts", titles=titles, heads=("counts", "of this burst")),
            Notes(lines=tuple(_left_to_the_driver(question))),
        ]
    )


def _sentence(question: _Question) -> str:
    """The burst in words, with the source CPU, which the user did not choose."""
    guest, burst = question.guest, question.burst
    return (
        f"{question.stack.name}: the CPU with APIC ID {guest.apic_ids[burst.source]} calls "
        f"{burst.operation}() with vector {burst.vector:#x} for "
        f"{_ids(guest.apic_ids[:-1])}"
    )


def _ids(apic_ids: tuple[int, ...]) -> str:
    from pvbench.guest import ranges
    from pvbench.text import plural

    return f"{plural(len(apic_ids), 'APIC ID')} {', '.join(ranges(apic_ids))}"


def _left_to_the_driver(question: _Question) -> Iterator[str]:
    overlay = question.stack.overlay
    if overlay and not question.sent.overlaid:
        yield f"{overlay.name} leaves {question.burst.operation} to the driver."


def _ops(question: _Question, sends: list[Sends]) -> Table:
    from pvbench.ops import to_dicts
    from pvbench.report.document import Cell, Column, Role, Table

    by_op = {send.first + place: (send, place) for send in sends for place in range(send.ops)}
    columns = (
        Column("number", "no.", Role.VALUE),
        Column("", "op", Role.PROSE, csv="op"),
        Column("reaches", "what it reaches", Role.PROSE, csv="reaches"),
    )
    program = question.sent.program
    rows = (
        (Cell(n), Cell(fields, _text(op)), Cell(_reaches(by_op.get(n), question.guest)))
        for n, (op, fields) in enumerate(zip(program, to_dicts(program), strict=True))
    )
    return Table(name="ops", columns=columns, rows=tuple(rows))


def _text(op: Op) -> str:
    """An op as Python writes it: numbers of CPUs are decimal, and registers are hex."""
    import attrs

    values = attrs.asdict(op, recurse=False).items()
    fields = (f"{k}={v if k == 'cpus' else _hex(v)}" for k, v in values)
    return f"{type(op).__name__}({', '.join(fields)})"


def _hex(value: int | tuple[int, ...]) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_hex, value))})"
    return hex(value) if value > 9 else str(value)


def _reaches(sent: tuple[Sends, int] | None, guest: Guest) -> str:
    if sent is None:
        return ""
    send, place = sent
    if send.error:
        return f"no CPU: {send.error}"
    cpus = send.cpus if send.op_of_hit is None else send.cpus[send.op_of_hit == place]
    ids = tuple(guest.apic_ids[cpu] for cpu in cpus.tolist())
    to = _ids(ids) if ids else "no CPU"
    return f"{send.route.name.lower()} {send.vector:#x} to {to}"
