"""Targets that delay the ones after them, because KVM has to serve them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pvbench_deliver_model.arrays import I64, Flags

State = tuple[Flags, ...]


def settled(
    at: I64, state_at: Callable[[I64], State | None], delayed: Callable[[State], I64]
) -> tuple[I64, State | None]:
    """
    Find the times at which targets are served, and their state then.

    A state delays the targets after it, and a target that is served later may be in another
    state.  Each round settles at least one more target, as its time follows from those
    before it.

    Args:
        at: the times without delays.
        state_at: the state of the targets at some times; None if it delays none of them.
        delayed: the times of targets that are in a state.
    """
    state = state_at(at)
    while state is not None:
        at = delayed(state)
        later = state_at(at)
        if later is None or not any(map(_differ, state, later)):
            break
        state = later
    return at, state


def _differ(one: Flags, other: Flags) -> bool:
    return bool(np.count_nonzero(one != other))
