"""The exit status of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from pvbench.compare.pairs import Pair
from pvbench.errors import Status, worst


def status(pairs: Sequence[Pair]) -> Status:
    """Exit status of a comparison across files: slower or losing more is a regression."""
    ends = [Status.OK if pairs else Status.NOTHING_MEASURED]
    for pair in pairs:
        if pair.verdict == "inconclusive":
            ends.append(Status.INCONCLUSIVE)
        lost = (pair.after.fact("lost") or 0) > (pair.before.fact("lost") or 0)
        if pair.verdict == "slower" or lost:
            ends.append(Status.REGRESSION)
    return worst(ends)
