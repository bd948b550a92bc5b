"""The exit status of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status, worst

_OF_VERDICT = {"slower": Status.REGRESSION, "inconclusive": Status.INCONCLUSIVE}


def status(pairs: Sequence[Pair], unpaired: Sequence[Unpaired] = ()) -> Status:
    """
    Return the exit status of a comparison across files.

    A case is a regression if it is slower, if it loses more IPIs, or if it no longer has
    a result.
    """
    return worst(_statuses(pairs, unpaired))


def _statuses(pairs: Sequence[Pair], unpaired: Sequence[Unpaired]) -> Iterator[Status]:
    yield Status.OK if pairs else Status.NOTHING_MEASURED
    yield from (Status.REGRESSION for series in unpaired if series.is_regression)
    yield from (_OF_VERDICT.get(pair.verdict, Status.OK) for pair in pairs)
