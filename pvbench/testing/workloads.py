"""The check that a workload gives a guest the same valid bursts each time, or a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pvbench.guest import Guest
from pvbench.run.possible import check_bursts, check_sends
from pvbench.testing.cases import attempt, check_offer, fail
from pvbench.testing.scenes import guests
from pvbench.topology import parse_guest
from pvbench.workload import Workload


def check_workload(workload: Workload, *values: str) -> None:
    """
    Check *workload* in many guests.

    Args:
        workload: checked with the defaults of its parameters.
        values: other values to check, written as after the name: ``8:packed``.

    Raises:
        AssertionError: a check fails, or the workload refuses every guest.
    """
    check_offer("workload", workload)
    _check_member(workload)
    _check_steps(workload)
    for text in values:
        member = f"{workload.name}:{text}"
        _check_member(attempt(member, "binding its values", workload.bind, text.split(":")))


def _check_member(workload: Workload) -> None:
    all_guests = [*guests(), parse_guest(str(workload.needs_cpus))]
    if not [guest for guest in all_guests if _gives_bursts(workload, guest)]:
        largest = max(len(guest.apic_ids) for guest in all_guests)
        fail(workload.spec, f"it refuses every guest of up to {largest} CPUs")


def _check_steps(workload: Workload) -> None:
    """Check the members that stand for the family in each guest."""
    for guest in guests() if workload.steps else ():
        place = f"{workload.name} on {guest.name}"
        for member in attempt(place, "steps()", workload.members, (), guest):
            _gives_bursts(member, guest)


def _gives_bursts(workload: Workload, guest: Guest) -> bool:
    """Check the bursts for *guest*; False if *workload* gives a reason instead."""
    place = f"{workload.spec} on {guest.name}"
    noun = "bursts"
    given: Callable[[Guest], Any] = workload.bursts_in
    check: Callable[..., None] = check_bursts
    if workload.sends is not None:
        noun, given, check = "sends", workload.sends_in, check_sends
    first, second = (attempt(place, f"{noun}()", given, guest) for _ in range(2))
    if first != second:
        fail(place, f"two calls give different {noun}")
    if isinstance(first, str):
        return False
    attempt(place, f"checking its {noun}", check, first, guest)
    return True
