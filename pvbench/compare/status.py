"""The exit status of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status, worst


def status(pairs: Sequence[Pair], unpaired: Sequence[Unpaired] = ()) -> Status:
    """
    Return the exit status of a comparison across files.

    A case is a regression if it is slower, if it loses more IPIs, or if it no longer has
    a time because it loses IPIs or has no result.
    """
    statuses = [Status.OK if pairs else Status.NOTHING_MEASURED]
    if any(series.is_regression for series in unpaired):
        statuses.append(Status.REGRESSION)
    for pair in pairs:
        if pair.verdict == "inconclusive":
            statuses.append(Status.INCONCLUSIVE)
        lost = (pair.after.fact("lost") or 0) > (pair.before.fact("lost") or 0)
        if pair.verdict == "slower" or lost:
            statuses.append(Status.REGRESSION)
    return worst(statuses)
