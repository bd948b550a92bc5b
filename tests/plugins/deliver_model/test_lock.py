"""
The lock that all handlers share: first come first served, 900 from one to the next.

A handler wants it 356 after its interrupt arrived; see `support.model.ROUND`.
"""

from __future__ import annotations

import pytest

from support.model import accepted, call, case_of, cpus, targets_of, times


def test_the_lock_passes_in_order_of_arrival_at_it() -> None:
    """It is requested at 1356, 1456 and 1556; releases are 900 apart."""
    handlers = accepted(targets_of("running"), [(1_000, 3), (1_100, 1), (1_200, 2)], lock=True)

    assert handlers == [(1_350, 1_363), (1_450, 2_263), (1_550, 3_163)]


@pytest.mark.parametrize(
    ("arrival", "expected"),
    [
        pytest.param(1_899, (2_249, 2_263), id="wanted-899-after-the-release"),
        pytest.param(1_900, (2_250, 2_263), id="wanted-900-after-the-release"),
        pytest.param(9_000, (9_350, 9_363), id="long-free"),
    ],
)
def test_releases_of_the_lock_are_at_least_a_handover_apart(
    arrival: int, expected: tuple[int, int]
) -> None:
    """CPU 1 releases it at 1356; a lock that has been free for long costs nothing."""
    targets = targets_of("running")
    accepted(targets, [(1_000, 1)], lock=True)

    assert [expected] == accepted(targets, [(arrival, 2)], lock=True)


def test_a_polling_target_gets_the_lock_before_a_blocked_one() -> None:
    """CPU 2 was sent to later, but wants the lock at 3356, CPU 1 at 3856."""
    targets = targets_of("halted")
    accepted(targets, [(1_000, 2)])

    handlers = accepted(targets, [(3_000, 1), (3_100, 2)], lock=True)

    assert handlers == [(3_850, 4_263), (3_350, 3_363)]


def test_a_later_burst_waits_for_the_lock_of_an_earlier_one() -> None:
    """The lock is released at 1356, so the next release is at 2256 at the earliest."""
    targets = targets_of("running")
    accepted(targets, [(1_000, 1)], lock=True)

    assert accepted(targets, [(1_100, 2)], lock=True) == [(1_450, 2_263)]


def test_a_request_that_rides_takes_the_lock_after_the_one_that_sent() -> None:
    """CPU 0's is acknowledged at 1495; CPU 1's 907 later, polled at 2407, from t0 at 10."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2, lock=True), call(1, 2, lock=True))

    assert times(case)["ack"] == 2_127 + 2_397
