"""The differences that a run can detect, computed before it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pvbench.compare.power import MOST_BOOTS, POWER, boots_needed
from pvbench.compare.statistics import ALPHA
from pvbench.results import schema
from pvbench.results.noise import Conditions, Line, key, matching
from pvbench.results.rows import HEADLINE
from pvbench.results.statistic import MEDIAN
from pvbench.text import counted, percent

DIFFERENCE: Final = 0.05  # that a run should find, a part of the time
_USUAL_SPREAD: Final = 0.02  # of the log ratio of a boot
_BY: Final = "sender"


def pairs_of(cases: Iterable[Mapping[str, Any]]) -> int:
    """How many pairs ``compare --by sender`` forms of cases, which are given by their facts."""
    free = schema.free(_BY)
    axes = [axis for axis in schema.axes() if axis not in free]
    groups = Counter(tuple(facts.get(axis) for axis in axes) for facts in cases)
    return sum(count - 1 for count in groups.values())


def spread_of(
    names: Iterable[str], lines: Iterable[Line], conditions: Conditions
) -> float | None:
    """The largest spread that `pvbench noise` measured in the headline of cases, if any."""
    series = [key(f"{name} {HEADLINE}", MEDIAN) for name in names]
    measured = matching(lines, "boots", conditions)
    return max(
        (line.values[name] for line in measured for name in series if name in line.values),
        default=None,
    )


def sentence(*, pairs: int, boots: int, spread: float | None) -> str:
    """
    How many boots the pairs of a run need.

    Args:
        pairs: of the comparison, at least one.
        boots: that the run has.
        spread: measured on this host; None for the usual one.
    """
    assumed = _USUAL_SPREAD if spread is None else spread
    origin = "if" if spread is None else "as `pvbench noise` measured that"
    needed = boots_needed(pairs=pairs, difference=DIFFERENCE, spread=assumed, alpha=ALPHA)
    enough = counted(needed, "boot") if needed else f"more than {MOST_BOOTS} boots"
    return (
        f"{counted(pairs, 'pair')} of senders: a difference of {percent(DIFFERENCE)} takes "
        f"{enough} to be detected in {percent(POWER)} of the runs, {origin} the standard "
        f"deviation between boots is {percent(assumed)}; this run has {boots}"
    )
