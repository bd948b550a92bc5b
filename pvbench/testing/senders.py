"""The check that a sender reaches each target exactly once or says why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from pvbench.dispatch import program, reached
from pvbench.errors import SenderError
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.masks import Masks
from pvbench.ops import Burst, WriteMem
from pvbench.plugin.guard import watching
from pvbench.recording.sets import of_members
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Sender, Stack
from pvbench.suite import Case
from pvbench.testing.cases import (
    attempt,
    case_of,
    check_offer,
    fail,
    stacks_of,
    where,
)
from pvbench.testing.scenes import ERAS, bursts, guests


def check_sender(sender: Sender) -> None:
    """
    Check *sender* in many guests with many bursts; an overlay over each bundled driver.

    Raises:
        AssertionError: a check fails, or the sender refuses every case.
    """
    check_offer("sender", sender)
    with watching():
        sent = [_sends(case) for stack in stacks_of(sender) for case in _cases(stack)]
    if not sent:
        fail(sender.name, "it refuses every guest or every burst")
    if not any(sent):
        fail(sender.name, "none of its callbacks ever sent an IPI")


def check_case(
    stack: Stack, guest: Guest, burst: Burst, *, linux: LinuxEra | None = None
) -> Prepared | None:
    """
    Check one burst in one guest, as `check_sender` does.

    Returns:
        The checked case; None if the sender refuses it.

    Raises:
        AssertionError: a check fails.
    """
    case = case_of(stack, guest, burst, linux=linux)
    if _is_refused(case):
        return None
    try:
        prepared = prepare(case)
    except SenderError as error:
        fail(where(case), error.why)
    _check_ops(prepared)
    _check_drops(case)
    _check_mask_counts(prepared)
    return prepared


def _cases(stack: Stack) -> Iterator[Prepared]:
    for guest in map(stack.guest, guests()):
        for burst, linux in product(bursts(guest), ERAS):
            if prepared := check_case(stack, guest, burst, linux=linux):
                yield prepared


def _sends(prepared: Prepared) -> bool:
    return any(expected.overlaid and expected.program for expected in prepared.bursts)


def _is_refused(case: Case) -> bool:
    """Whether the sender refuses the case; two calls must give the same reason."""
    place = where(case)
    reasons = [attempt(place, "refusing it", _reasons, case) for _ in range(2)]
    if reasons[0] != reasons[1]:
        fail(place, "two calls give different reasons to refuse it")
    for reason in reasons[0]:
        if reason == "" or not isinstance(reason, str | None):
            fail(place, f"its reason to refuse is {reason!r}, neither None nor a sentence")
    return why_unsupported(case) is not None


def _reasons(case: Case) -> list[str | None]:
    sender, guest = case.stack.sender, case.guest
    return [sender.why_unsupported(guest), *(sender.why_refused(b, guest) for b in case.bursts)]


def _check_ops(prepared: Prepared) -> None:
    """Check that another call gives the same ops."""
    case, place = prepared.case, where(prepared.case)
    for burst, expected in zip(case.bursts, prepared.bursts, strict=True):
        second = program(case.stack, burst, case.guest, linux=case.linux).program
        if second != expected.program:
            fail(place, "two calls give different ops")


def _check_drops(case: Case) -> None:
    place = where(case)
    for burst in case.bursts:
        targets = reached(burst, case.guest)
        lost = attempt(
            place, "drops()", case.stack.sender.drops, targets, case.guest, case.linux
        )
        if not isinstance(lost, frozenset):
            fail(place, f"drops() returns {lost!r}, not a frozenset of CPUs")
        if others := sorted(lost - set(targets)):
            fail(place, f"drops() names CPU {others[0]}, which is not a target")


def _check_mask_counts(prepared: Prepared) -> None:
    """Check that the counts of a mask are those of its ops."""
    case, place = prepared.case, where(prepared.case)
    (burst,), (expected,) = case.bursts, prepared.bursts
    if burst.operation != "send_IPI_mask" or not burst.targets:
        return
    sender = case.stack.sender_of(burst.operation)
    masks = Masks(of_members([burst.targets]).words, case.guest, case.linux)
    counts = attempt(place, "mask_counts()", sender.mask_counts, masks)
    if counts is None:
        return
    stores = sum(isinstance(op, WriteMem) for op in expected.program)
    numbers = {
        "ICR writes": (counts.icr_writes, expected.icr_writes),
        "hypercalls": (counts.hypercalls, expected.hypercalls),
        "stores": (counts.stores, stores),
        "lost IPIs": (counts.lost, len(expected.lost)),
    }
    for noun, (column, number) in numbers.items():
        if column.tolist() != [number]:
            fail(place, f"mask_counts() gives {column.tolist()} {noun}, and its ops {number}")
