"""A workload gives every guest the same good bursts each time, or says why it cannot."""

from __future__ import annotations

from pvbench.guest import Guest, parse_guest
from pvbench.run.cases import check_bursts
from pvbench.testing.cases import attempt, check_offer, fail
from pvbench.testing.scenes import guests
from pvbench.workload import Workload


def check_workload(workload: Workload, *values: str) -> None:
    """
    *workload* in many guests.

    Args:
        workload: checked with the defaults of its parameters.
        values: others to check, each as after the name: ``8:packed``.

    Raises:
        AssertionError: it errs, or no guest can have it.
    """
    check_offer("workload", workload)
    _check_member(workload)
    for text in values:
        member = f"{workload.name}:{text}"
        _check_member(attempt(member, "naming it", workload.bind, text.split(":")))


def _check_member(workload: Workload) -> None:
    tried = [*guests(), parse_guest(str(workload.needs_cpus))]
    if not [guest for guest in tried if _gives_bursts(workload, guest)]:
        most = max(len(guest.apic_ids) for guest in tried)
        fail(workload.spec, f"no guest of up to {most} CPUs can have it")


def _gives_bursts(workload: Workload, guest: Guest) -> bool:
    """False if *workload* says why not."""
    place = f"{workload.spec} on {guest.name}"
    first, again = (attempt(place, "bursts", workload.bursts_in, guest) for _ in range(2))
    if first != again:
        fail(place, "two calls give different bursts")
    if isinstance(first, str):
        return False
    raw = workload.bursts(guest, **workload.parameters)
    if not isinstance(raw, tuple):
        fail(place, f"bursts gives a {type(raw).__name__}, not a tuple or a sentence")
    attempt(place, "checking its bursts", check_bursts, first, guest)
    return True
