"""Print what a guest executes for one burst, and what a hypervisor makes of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from pvbench.cli import common
from pvbench.errors import Status, UsageError

if TYPE_CHECKING:
    from pvbench.decode.decoder import Sends
    from pvbench.guest import Guest
    from pvbench.ops import Burst, Op
    from pvbench.plugin.registry import Registry
    from pvbench.sender import Stack

HELP = "print the ops of a sender, decoded"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench explain`."""
    parser.add_argument(
        "sender",
        help="overlay, driver or OVERLAY/DRIVER (overlays: over x2apic-physical)",
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
        help="kernel function called, send_IPI_mask if not given; others: send_IPI, "
        "send_IPI_self, send_IPI_all, send_IPI_allbutself, smp_call_function_many, ...",
    )
    parser.add_argument("--vector", type=common.number, help="0x20..0xff, 2: NMI")
    parser.add_argument("--bits", type=int, default=64, help="guest word size, 32 or 64")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Ops, destinations and counts."""
    from pvbench.sender import program, reached

    registry = common.registry(options)
    stack = _stack(options.sender, registry)
    guest, burst = _question(options, stack)
    reason = stack.why_unsupported(guest) or stack.sender.why_refused(burst, guest)
    if reason:
        raise UsageError(f"{stack.name} cannot do this", why=reason)
    sent = program(stack, burst, guest, shorthands=False)
    ops = sent.program
    sends = _decoded(ops, guest, burst)
    counts = _counts(sends, reached(burst, guest))
    if options.json:
        from pvbench.ops import to_dicts

        common.print_json({"sender": options.sender, "ops": to_dicts(ops), "counts": counts})
    else:
        _print(ops, sends, guest, counts)
        if stack.overlay and not sent.overlaid:
            print(f"{stack.overlay.name} leaves {options.operation} to the driver")
    return Status.OK


def _stack(name: str, registry: Registry) -> Stack:
    sender = registry.get("sender", name) if "/" not in name else None
    if sender is None or name in registry.drivers:
        return registry.stack(name)
    return registry.stack(f"{name}/x2apic-physical")


def _question(options: argparse.Namespace, stack: Stack) -> tuple[Guest, Burst]:
    """A guest whose last CPU sends to all others, which are the targets."""
    from pvbench.guest import Guest, explicit
    from pvbench.ops import Burst

    ids = explicit(options.targets)
    source = next(i for i in range(len(ids) + 1) if i not in set(ids))
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
    return stack.guest(plain), burst


def _decoded(ops: tuple[Op, ...], guest: Guest, burst: Burst) -> list[Sends]:
    from pvbench.decode.decoder import Decoder

    return Decoder(guest, burst.source).sends(ops)


def _counts(sends: list[Sends], wanted: tuple[int, ...]) -> dict[str, int]:
    from pvbench.decode.decoder import counted

    icr_writes, hypercalls = counted(sends)
    hit = {cpu for send in sends for cpu in send.cpus.tolist()}
    lost = len(set(wanted) - hit)
    return {"icr_writes": icr_writes, "hypercalls": hypercalls, "lost": lost}


def _print(
    ops: tuple[Op, ...], sends: list[Sends], guest: Guest, counts: dict[str, int]
) -> None:
    by_op = {send.first + place: (send, place) for send in sends for place in range(send.ops)}
    for number, op in enumerate(ops):
        print(f"{number:4}  {_text(op)}{_reaches(by_op.get(number), guest)}")
    told = (("ICR write", "icr_writes"), ("hypercall", "hypercalls"), ("target", "lost"))
    texts = [f"{counts[name]} {what}{'s' * (counts[name] != 1)}" for what, name in told]
    print(f"{', '.join(texts)} lost")


def _text(op: Op) -> str:
    import attrs

    def shown(value: Any) -> str:
        if isinstance(value, tuple):
            return f"({', '.join(map(shown, value))})"
        return hex(value) if value > 9 else str(value)

    fields = ", ".join(f"{k}={shown(v)}" for k, v in attrs.asdict(op, recurse=False).items())
    return f"{type(op).__name__}({fields})"


def _reaches(found: tuple[Sends, int] | None, guest: Guest) -> str:
    if found is None:
        return ""
    send, place = found
    if send.error:
        return f"  -> nobody: {send.error}"
    cpus = send.cpus if send.op_of_hit is None else send.cpus[send.op_of_hit == place]
    ids = ", ".join(str(guest.apic_ids[cpu]) for cpu in cpus.tolist()) or "nobody"
    return f"  -> {send.route.name.lower()} {send.vector:#x} to APIC ID {ids}"
