"""
The static check: before a case runs, its ops must send what its bursts ask for.

The ops must reach each target exactly once and no other CPU, by the mechanism that the
sender declares.  On real hardware a second interrupt to a target may coalesce with the
first, so the counts would not show it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import attrs

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import Route, Sends, counted
from pvbench.dispatch import Sent, program, reached, spared
from pvbench.errors import PluginError, PvbenchError, SenderError
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
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
from pvbench.plugin.guard import guarded, owner_of
from pvbench.sender import Stack
from pvbench.suite import Case
from pvbench.text import one_line, shortened_list

# In x2APIC mode a self-IPI uses the SELF IPI register, equivalent to the shorthand.
_SHORTHANDS = frozenset({Route.SELF, Route.SELF_REGISTER, Route.BROADCAST})


@attrs.frozen(kw_only=True)
class Expected:
    """
    The counts that one execution of a program must give.

    Args:
        cpus: CPUs that must run the handler once.
        spared: CPUs that run the function without an interrupt, see `pvbench.dispatch`.
        lost: targets that the sender never reaches, as in the real kernel.
        overlaid: whether callbacks of the overlay computed the ops.
        repeats: how often an iteration executes it.
    """

    program: Program
    cpus: tuple[int, ...]
    spared: tuple[int, ...]
    lost: tuple[int, ...]
    icr_writes: int
    hypercalls: int
    returned: int
    overlaid: bool
    repeats: int = 1


def why_unsupported(case: Case) -> str | None:
    """
    Return why the case makes no sense or the stack cannot run it; None if it can.

    Raises:
        PluginError: a sender raises, or returns neither None nor a reason.
    """
    if case.why_unsupported is not None:
        return case.why_unsupported
    if case.repeats and case.target_state == "polling":
        return "a recording has what was sent, which a target that polls would not be sent"
    sender = case.stack.sender
    with guarded(f"sender {sender.name}", lambda: owner_of(type(sender))):
        reasons = [case.stack.why_unsupported(case.guest, case.linux)]
        reasons += [sender.why_refused(burst, case.guest) for burst in case.bursts]
    return checked_reason(next((reason for reason in reasons if reason is not None), None))


def checked_reason(reason: object) -> str | None:
    """
    Return the reason that a plugin gives as one printable line.

    Raises:
        PluginError: *reason* is neither a sentence nor None.
    """
    if reason is None:
        return None
    if not (isinstance(reason, str) and reason):
        raise PluginError(f"the reason is {reason!r}, not a sentence")
    return one_line(reason)


def check(
    stack: Stack,
    burst: Burst,
    guest: Guest,
    *,
    linux: LinuxEra,
    polling: Collection[int] = frozenset(),
) -> Expected:
    """
    Make the ops of *burst* and check them, in a guest some of whose idle CPUs are *polling*.

    Raises:
        SenderError: the ops do not send what the burst asks for.
    """
    message = f"{stack.name} on {guest.name} fails the static check"
    targets = reached(burst, guest, polling)
    try:
        with guarded(f"sender {stack.sender.name}", lambda: owner_of(type(stack.sender))):
            sent = program(stack, burst, guest, linux=linux, polling=polling)
            sends = Decoder(guest, burst.source).sends(sent.program)
            lost = frozenset(_dropped(stack, sent, targets, guest, linux))
    except PvbenchError as error:
        raise SenderError(message, why=str(error)) from error
    differences = [
        *_ill_formed(sent.program),
        *_wrong_targets(sends, set(targets), lost),
        *_wrong_vectors(sends, burst, targets),
        *_wrong_mechanism(stack, sent, sends),
    ]
    if differences:
        raise SenderError(message, why="; ".join(differences))
    icr_writes, hypercalls = counted(sends)
    return Expected(
        program=sent.program,
        cpus=tuple(cpu for cpu in targets if cpu not in lost),
        spared=spared(burst, guest, polling),
        lost=tuple(sorted(lost)),
        icr_writes=icr_writes,
        hypercalls=hypercalls,
        returned=sum(send.result or 0 for send in sends),
        overlaid=bool(sent.overlaid) or stack.overlay is None,
    )


def _ill_formed(ops: Program) -> list[str]:
    """Objects that are not ops, and ops that leave interrupts disabled."""
    others = [repr(op) for op in ops if not isinstance(op, Op)]
    unrestored = sum((type(op) is IrqSave) - (type(op) is IrqRestore) for op in ops)
    faults = [f"it yields {others[0]}, which is not an op"] if others else []
    return faults + (["it leaves interrupts disabled"] if unrestored else [])


def _dropped(
    stack: Stack, sent: Sent, targets: tuple[int, ...], guest: Guest, linux: LinuxEra
) -> frozenset[int]:
    if stack.overlay and not sent.overlaid:
        return frozenset()
    return stack.sender.drops(targets, guest, linux)


def _wrong_targets(sends: list[Sends], targets: set[int], lost: frozenset[int]) -> list[str]:
    hits = Counter(cpu for send in sends for cpu in send.cpus.tolist())
    errors = [f"op {send.first}: {send.error}" for send in sends if send.error]
    faults = {
        "it does not reach CPU {}": targets - lost - set(hits),
        "it reaches CPU {}, which is not a target": set(hits) - targets,
        "it reaches CPU {} more than once": {cpu for cpu in targets if hits[cpu] > 1},
        "drops() names CPU {}, which it reaches": lost & set(hits),
        "drops() names CPU {}, which is not a target": lost - targets,
    }
    faults_text = (
        (text, shortened_list(map(str, sorted(cpus)))) for text, cpus in faults.items() if cpus
    )
    return [text.format(cpus) for text, cpus in faults_text] + errors


def _wrong_vectors(sends: list[Sends], burst: Burst, targets: tuple[int, ...]) -> list[str]:
    allowed = {burst.vector} | ({burst.single_vector} if len(targets) == 1 else set())
    unexpected = {send.vector for send in sends if len(send.cpus)} - allowed
    return [
        f"it sends vector {vector:#x}, not {burst.vector:#x}" for vector in sorted(unexpected)
    ]


def _wrong_mechanism(stack: Stack, sent: Sent, sends: list[Sends]) -> list[str]:
    """The sender's own callbacks must use its declared mechanism, without a fallback."""
    if (stack.overlay and not sent.overlaid) or not sent.program:
        return []
    sends = [send for send in sends if send.route is not Route.NOTHING]
    mechanism = stack.sender.mechanism
    uses = {
        "hypercall": lambda send: type(sent.program[send.first]) is Hypercall,
        "shorthand": lambda send: send.route in _SHORTHANDS,
        "icr": lambda send: type(sent.program[send.first]) in (WrMsr, MmioWrite),
        "kernel": lambda send: type(sent.program[send.first]) is KernelSend,
    }[mechanism]
    if all(map(uses, sends)) and (sends or not stack.overlay):
        return []
    return [f"it declares mechanism {mechanism} but sends by another one"]
