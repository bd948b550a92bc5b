"""A sender reaches each target exactly once, by pure ops, or says why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from pvbench.errors import SenderError
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Sender, Stack, program, reached
from pvbench.suite import Case
from pvbench.testing.cases import (
    attempt,
    case_of,
    check_offer,
    fail,
    stacks_of,
    where,
)
from pvbench.testing.scenes import bursts, guests


def check_sender(sender: Sender) -> None:
    """
    *sender* in many guests, for many bursts: an overlay over each bundled driver.

    Raises:
        AssertionError: it errs, or nothing could be checked.
    """
    check_offer("sender", sender)
    acted = [_acted(case) for stack in stacks_of(sender) for case in _cases(stack)]
    if not acted:
        fail(sender.name, "it declines every guest or every burst")
    if not any(acted):
        fail(sender.name, "no callback of its own ever sent anything")


def check_case(
    stack: Stack, guest: Guest, burst: Burst, *, shorthands: bool = False
) -> Prepared | None:
    """
    What `check_sender` does, for one burst in one guest.

    Returns:
        The checked case; None if the sender declines it.

    Raises:
        AssertionError: the sender errs.
    """
    case = case_of(stack, guest, burst, shorthands=shorthands)
    if _declined(case):
        return None
    try:
        prepared = prepare(case)
    except SenderError as error:
        fail(where(case), error.why)
    _check_ops(prepared)
    _check_drops(case)
    return prepared


def _cases(stack: Stack) -> Iterator[Prepared]:
    for guest in guests():
        for burst, shorthands in product(bursts(guest), (False, True)):
            if prepared := check_case(stack, guest, burst, shorthands=shorthands):
                yield prepared


def _acted(prepared: Prepared) -> bool:
    return any(expected.overlaid and expected.program for expected in prepared.bursts)


def _declined(case: Case) -> bool:
    """The sender says, twice the same, why it cannot do it."""
    place = where(case)
    reasons = [attempt(place, "declining it", _reasons, case) for _ in range(2)]
    if reasons[0] != reasons[1]:
        fail(place, "it declines, and the next time it does not, or for another reason")
    for reason in reasons[0]:
        if reason == "" or not isinstance(reason, str | None):
            fail(place, f"it declines by {reason!r}, which is no reason")
    return why_unsupported(case) is not None


def _reasons(case: Case) -> list[str | None]:
    sender, guest = case.stack.sender, case.guest
    return [sender.why_unsupported(guest), *(sender.why_refused(b, guest) for b in case.bursts)]


def _check_ops(prepared: Prepared) -> None:
    """Another call gives the same."""
    case, place = prepared.case, where(prepared.case)
    for burst, expected in zip(case.bursts, prepared.bursts, strict=True):
        again = program(case.stack, burst, case.guest, shorthands=case.shorthands).program
        if again != expected.program:
            fail(place, "two calls give different ops")


def _check_drops(case: Case) -> None:
    place = where(case)
    for burst in case.bursts:
        wanted = reached(burst, case.guest)
        lost = attempt(place, "drops()", case.stack.sender.drops, wanted, case.guest)
        if not isinstance(lost, frozenset):
            fail(place, f"drops() gives {lost!r}, not a frozenset of CPUs")
        if strangers := lost - set(wanted):
            fail(place, f"drops() names what is no target: {sorted(strangers)[:5]}")
