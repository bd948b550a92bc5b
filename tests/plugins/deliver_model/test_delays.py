"""Targets that delay the ones after them."""

from __future__ import annotations

import numpy as np

from pvbench_deliver_model.arrays import I64
from pvbench_deliver_model.delays import State, settled
from support.model import ints


def late_from(limit: int, at: I64) -> State | None:
    """The targets that are late from a time on; None for none."""
    late = at >= limit
    return (late,) if np.count_nonzero(late) else None


def test_without_a_state_the_times_stay_as_they_are() -> None:
    """The very array is returned, by which a caller knows it."""
    at = ints((1, 2, 3))

    times, state = settled(at, lambda at: late_from(10, at), lambda state: at + 1)

    assert (times is at, state) == (True, None)


def test_a_delay_that_makes_a_later_target_late_delays_that_one_too() -> None:
    """100 for each late target: the third is late at once, and so the fourth at 80 + 100."""
    at = ints((10, 20, 100, 80, 15))

    times, state = settled(
        at, lambda at: late_from(100, at), lambda state: at + 100 * state[0].cumsum()
    )

    assert times.tolist() == [10, 20, 200, 280, 315]
    assert state is not None
    assert state[0].tolist() == [False, False, True, True, True]
