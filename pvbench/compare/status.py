"""The exit status of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status, worst


def status(pairs: Sequence[Pair], unpaired: Sequence[Unpaired] = ()) -> Status:
    """
    Exit status of a comparison across files.

    A case is a regression if it is slower, loses more IPIs, or has no time any more
    because it loses IPIs or has no result.
    """
    ends = [Status.OK if pairs else Status.NOTHING_MEASURED]
    if any(series.is_regression for series in unpaired):
        ends.append(Status.REGRESSION)
    for pair in pairs:
        if pair.verdict == "inconclusive":
            ends.append(Status.INCONCLUSIVE)
        lost = (pair.after.fact("lost") or 0) > (pair.before.fact("lost") or 0)
        if pair.verdict == "slower" or lost:
            ends.append(Status.REGRESSION)
    return worst(ends)
