"""
Verdicts on near-exact clocks, whose times are path lengths: instructions that were executed.

Equal runs differ by at most `BAND`, so a few boots decide.  A path length is ``longer`` or
``shorter`` only if every boot of one side differs from every boot of the other by more
than twice that.  So equal sides, whose boots all lie within the band, never get one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BAND: Final = 0.001  # of the time; boots of equal sides differ by no more
_CLEAR: Final = 2 * BAND
LONGER: Final = "longer"
SHORTER: Final = "shorter"


def verdict(before_s: Sequence[float], after_s: Sequence[float]) -> str:
    """``shorter``, ``longer``, ``equivalent`` or ``inconclusive``, by the boots of two runs."""
    if min(after_s) > max(before_s) * (1 + _CLEAR):
        return LONGER
    if min(before_s) > max(after_s) * (1 + _CLEAR):
        return SHORTER
    both = (*before_s, *after_s)
    return "equivalent" if max(both) <= min(both) * (1 + BAND) else "inconclusive"


def slowdown(before_s: Sequence[float], after_s: Sequence[float]) -> tuple[float, float]:
    """The range of the path length after divided by that before, with the band around it."""
    low, high = min(after_s) / max(before_s), max(after_s) / min(before_s)
    return low / (1 + BAND), high * (1 + BAND)
