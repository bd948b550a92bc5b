"""The exit status of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status, worst

_OF_VERDICT = {
    "slower": Status.REGRESSION,
    "inconclusive": Status.INCONCLUSIVE,
    "": Status.INCONCLUSIVE,
}


def status(
    pairs: Sequence[Pair],
    unpaired: Sequence[Unpaired] = (),
    fail_above_percent: float | None = None,
) -> Status:
    """
    Return the exit status of a comparison that is a gate.

    A case is a regression if it is slower, if it loses more IPIs, or if it no longer has
    a result.  With a limit it may be slower up to the limit.
    """
    return worst(_statuses(pairs, unpaired, fail_above_percent))


def _statuses(
    pairs: Sequence[Pair], unpaired: Sequence[Unpaired], fail_above_percent: float | None
) -> Iterator[Status]:
    yield Status.OK if pairs else Status.NOTHING_MEASURED
    yield from (Status.REGRESSION for series in unpaired if series.is_regression)
    yield from (of_pair(pair, fail_above_percent) for pair in pairs)


def of_pair(pair: Pair, fail_above_percent: float | None = None) -> Status:
    """
    The status of one pair.

    With a limit, the interval of the slowdown decides: all of it is above the limit, it
    contains the limit, or all of it is below.
    """
    if fail_above_percent is None:
        return _OF_VERDICT.get(pair.verdict, Status.OK)
    if pair.slowdown is None:
        return Status.INCONCLUSIVE
    low, high = (100 * (times - 1) for times in pair.slowdown)
    if low > fail_above_percent:
        return Status.REGRESSION
    return Status.INCONCLUSIVE if high > fail_above_percent else Status.OK
