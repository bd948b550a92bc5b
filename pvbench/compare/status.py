"""The exit status of a comparison that is a gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from pvbench.compare.outcomes import MISSING
from pvbench.compare.pairs import NOT_EXERCISED, Pair
from pvbench.compare.path_length import LONGER
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status, worst

_DIGITS: Final = 9  # of a slowdown in percent; 110 ns are 10 % more than 100 ns
_OF_VERDICT: Final = {
    "slower": Status.REGRESSION,
    LONGER: Status.REGRESSION,
    "inconclusive": Status.INCONCLUSIVE,
    NOT_EXERCISED: Status.INCONCLUSIVE,
    "": Status.INCONCLUSIVE,
}


@attrs.frozen(kw_only=True)
class Gate:
    """
    The conditions under which a comparison is a regression.

    A case is a regression if it is slower or its path is longer, if it loses more IPIs, or
    if it no longer has a result; a case that the host spoilt is inconclusive.

    Args:
        fail_above_percent: a case may be slower up to this limit.
        missing_is_inconclusive: a case that was not measured is no regression.
    """

    fail_above_percent: float | None = None
    missing_is_inconclusive: bool = False

    def status(self, pairs: Sequence[Pair], unpaired: Sequence[Unpaired] = ()) -> Status:
        """The exit status of a comparison."""
        return worst(self._statuses(pairs, unpaired))

    def _statuses(
        self, pairs: Sequence[Pair], unpaired: Sequence[Unpaired]
    ) -> Iterator[Status]:
        yield Status.OK if pairs else Status.NOTHING_MEASURED
        yield from (self._of_series(series) for series in unpaired if series.is_regression)
        yield from (Status.INCONCLUSIVE for series in unpaired if series.is_unclear)
        yield from map(self.of_pair, pairs)

    def _of_series(self, series: Unpaired) -> Status:
        is_unclear = self.missing_is_inconclusive and series.verdict == MISSING
        return Status.INCONCLUSIVE if is_unclear else Status.REGRESSION

    def of_pair(self, pair: Pair) -> Status:
        """
        The status of one pair.

        With a limit, the interval of the slowdown decides: all of it is above the limit,
        it contains the limit, or all of it is below.  Of counts only lost IPIs are judged.
        """
        if pair.is_count:
            return Status.REGRESSION if pair.loses_more else Status.OK
        limit = self.fail_above_percent
        if limit is None:
            return _OF_VERDICT.get(pair.verdict, Status.OK)
        if pair.slowdown is None or pair.verdict == NOT_EXERCISED:
            return Status.INCONCLUSIVE
        low, high = (round(100 * (times - 1), _DIGITS) for times in pair.slowdown)
        if low > limit:
            return Status.REGRESSION
        return Status.INCONCLUSIVE if high > limit else Status.OK
