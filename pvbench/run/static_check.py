"""
The static check: before a case runs, its ops must do what its bursts ask.

Each target exactly once, no stranger, no double hit, and by the mechanism the
sender declares.  On real hardware a double hit can coalesce unseen.
"""

from __future__ import annotations

from collections import Counter

import attrs

from pvbench.decode.decoder import Decoder, Route, Sends, counted
from pvbench.errors import PluginError, PvbenchError, SenderError
from pvbench.guest import Guest
from pvbench.ops import (
    Burst,
    Hypercall,
    IrqRestore,
    IrqSave,
    KernelSend,
    MmioWrite,
    Op,
    Program,
    WrMsr,
)
from pvbench.plugin.guard import guarded, one_line, owner_of
from pvbench.sender import Sent, Stack, program, reached
from pvbench.suite import Case

# To itself an x2APIC sends by a register of its own, which is as good.
_SHORTHANDS = frozenset({Route.SELF, Route.SELF_REGISTER, Route.BROADCAST})


@attrs.frozen(kw_only=True)
class Expected:
    """
    What one execution of a program must be counted as.

    Args:
        cpus: CPUs that must run the handler, once each.
        lost: CPUs the burst names and the sender loses, as the real one does.
        overlaid: the overlay's own callbacks made the ops.
    """

    program: Program
    cpus: tuple[int, ...]
    lost: tuple[int, ...]
    icr_writes: int
    hypercalls: int
    returned: int
    overlaid: bool


def why_unsupported(case: Case) -> str | None:
    """
    Why the case makes no sense or the stack cannot run it; None if it can.

    Raises:
        PluginError: a sender raises, or gives something else than a sentence.
    """
    if case.why_unsupported is not None:
        return case.why_unsupported
    sender = case.stack.sender
    with guarded(f"sender {sender.name}", lambda: owner_of(type(sender))):
        reasons = [case.stack.why_unsupported(case.guest)]
        reasons += [sender.why_refused(burst, case.guest) for burst in case.bursts]
    return checked_reason(next((reason for reason in reasons if reason is not None), None))


def checked_reason(reason: object) -> str | None:
    """
    The reason that a plugin gives, as one printable line.

    Raises:
        PluginError: it is neither a sentence nor None.
    """
    if reason is None:
        return None
    if not (isinstance(reason, str) and reason):
        raise PluginError(f"{reason!r} is no reason")
    return one_line(reason)


def check(stack: Stack, burst: Burst, guest: Guest, *, shorthands: bool) -> Expected:
    what = f"{stack.name} on {guest.name} fails the static check"
    wanted = reached(burst, guest)
    try:
        with guarded(f"sender {stack.sender.name}", lambda: owner_of(type(stack.sender))):
            sent = program(stack, burst, guest, shorthands=shorthands)
            sends = Decoder(guest, burst.source).sends(sent.program)
            lost = frozenset(_lost(stack, sent, wanted, guest))
    except PvbenchError as error:
        raise SenderError(what, why=str(error)) from error
    differences = [
        *_ill_formed(sent.program),
        *_wrong_targets(sends, set(wanted), lost),
        *_wrong_vectors(sends, burst, wanted),
        *_wrong_mechanism(stack, sent, sends),
    ]
    if differences:
        raise SenderError(what, why="; ".join(differences))
    icr_writes, hypercalls = counted(sends)
    return Expected(
        program=sent.program,
        cpus=tuple(cpu for cpu in wanted if cpu not in lost),
        lost=tuple(sorted(lost)),
        icr_writes=icr_writes,
        hypercalls=hypercalls,
        returned=sum(send.result or 0 for send in sends),
        overlaid=bool(sent.overlaid) or stack.overlay is None,
    )


def _ill_formed(ops: Program) -> list[str]:
    """What no guest can execute, or should not leave behind."""
    strange = [repr(op) for op in ops if not isinstance(op, Op)]
    off = sum(type(op) is IrqSave for op in ops) - sum(type(op) is IrqRestore for op in ops)
    found = [f"yields {strange[0]}, which is no op"] if strange else []
    return found + (["leaves interrupts off"] if off else [])


def _lost(stack: Stack, sent: Sent, wanted: tuple[int, ...], guest: Guest) -> frozenset[int]:
    if stack.overlay and not sent.overlaid:
        return frozenset()
    return stack.sender.drops(wanted, guest)


def _wrong_targets(sends: list[Sends], wanted: set[int], lost: frozenset[int]) -> list[str]:
    hits = Counter(cpu for send in sends for cpu in send.cpus.tolist())
    faults = [f"op {send.first}: {send.error}" for send in sends if send.error]
    named = {
        "misses CPU": wanted - lost - set(hits),
        "hits a stranger, CPU": set(hits) - wanted,
        "hits twice CPU": {cpu for cpu in wanted if hits[cpu] > 1},
        "says it loses, but reaches CPU": lost & set(hits),
        "says it loses what is no target, CPU": lost - wanted,
    }
    return [f"{what} {_some(sorted(cpus))}" for what, cpus in named.items() if cpus] + faults


def _some(cpus: list[int]) -> str:
    shown = ", ".join(map(str, cpus[:5]))
    return shown if len(cpus) <= 5 else f"{shown} and {len(cpus) - 5} more"


def _wrong_vectors(sends: list[Sends], burst: Burst, wanted: tuple[int, ...]) -> list[str]:
    allowed = {burst.vector} | ({burst.single_vector} if len(wanted) == 1 else set())
    wrong = {send.vector for send in sends if len(send.cpus)} - allowed
    return [f"sends vector {vector:#x}, not {burst.vector:#x}" for vector in sorted(wrong)]


def _wrong_mechanism(stack: Stack, sent: Sent, sends: list[Sends]) -> list[str]:
    """Ops of the sender's own callbacks must be of its mechanism: no silent fallback."""
    if (stack.overlay and not sent.overlaid) or not sent.program:
        return []
    mechanism = stack.sender.mechanism
    uses = {
        "hypercall": lambda send: type(sent.program[send.first]) is Hypercall,
        "shorthand": lambda send: send.route in _SHORTHANDS,
        "icr": lambda send: type(sent.program[send.first]) in (WrMsr, MmioWrite),
        "kernel": lambda send: type(sent.program[send.first]) is KernelSend,
    }[mechanism]
    if all(map(uses, sends)) and (sends or not stack.overlay):
        return []
    return [f"is a {mechanism} sender, but falls back to something else"]
