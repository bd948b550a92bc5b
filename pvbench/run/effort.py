"""How much a run measures, by the clock of its delivery."""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.delivery import Description


@attrs.frozen(kw_only=True)
class Effort:
    """
    How much to measure.

    Args:
        boots: boots of each guest.
        slices: slices of each case in a boot; an even number where drift matters.
        loops: iterations of a slice.
        warmup: uncounted iterations before them.
        slice_s: the longest time a slice should take; slow cases get fewer loops and
            less warm-up, but at least 10 loops.  None for no limit.
        by_stack: the cases of a stack are adjacent in a boot, because each stack needs a
            guest of its own.
    """

    boots: int
    slices: int
    loops: int
    warmup: int
    slice_s: float | None = None
    by_stack: bool = False

    def warmup_of(self, loops: int) -> int:
        """The warm-up of a slice that has *loops* iterations."""
        return self.warmup if self.slice_s is None else min(self.warmup, loops)


_EXACT: Final = Effort(boots=1, slices=1, loops=20, warmup=10)
_NEAR_EXACT: Final = Effort(boots=2, slices=2, loops=20, warmup=3)
_NOISY: Final = Effort(boots=10, slices=4, loops=1_000, warmup=100, slice_s=0.25)
# A program is a fixed amount of work, so it runs once and is never cut short.
_PROGRAM: Final = Effort(boots=10, slices=1, loops=1, warmup=0, by_stack=True)
_PROGRAMS: Final = {
    "fast": attrs.evolve(_PROGRAM, boots=3),
    "default": _PROGRAM,
    "rigorous": attrs.evolve(_PROGRAM, boots=30),
}
_EFFORTS: Final = {
    "exact": {
        "fast": attrs.evolve(_EXACT, loops=5),
        "default": _EXACT,
        "rigorous": attrs.evolve(_EXACT, loops=200),
    },
    "near-exact": {
        "fast": attrs.evolve(_NEAR_EXACT, loops=10),
        "default": _NEAR_EXACT,
        "rigorous": attrs.evolve(_NEAR_EXACT, boots=4),
    },
    "none": {
        "fast": attrs.evolve(_NEAR_EXACT, loops=10),
        "default": _NEAR_EXACT,
        "rigorous": attrs.evolve(_NEAR_EXACT, boots=4, loops=200),
    },
    "noisy": {
        "fast": attrs.evolve(_NOISY, boots=3, loops=100),
        "default": _NOISY,
        "rigorous": attrs.evolve(_NOISY, boots=30),
    },
}


def effort(description: Description, pace: str, boots: int | None) -> Effort:
    """
    The effort for a delivery and a *pace*: ``fast``, ``default`` or ``rigorous``.

    An exact clock gives equal times in every boot and slice, so one of each is enough.  A
    near-exact clock gives almost equal times, however long a slice takes; counts need no
    more.
    """
    exactness = description.clock.exactness
    planned = (_PROGRAMS if description.runs_programs else _EFFORTS[exactness])[pace]
    return attrs.evolve(planned, boots=boots) if boots else planned
