"""Series and cases that are in no pair, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

import attrs

from pvbench.compare.outcomes import Outcomes
from pvbench.results.rows import Row

_CASE = ("series",)  # the axes in which the rows of one case differ


class Reason(Enum):
    """The reason why a series is in no pair."""

    ONE_FILE = "in one file only"
    LOST = "the sender loses IPIs"
    NO_RESULT = "the case has no result"
    TWICE = "in two files, so left out"


@attrs.frozen(kw_only=True)
class Unpaired:
    """
    A series that is in no pair.

    Args:
        name: the name of the series, or of the case if it has no result.
        file: the file that has the series, or whose run has the case.
        reason: why the series is in no pair.
        detail: the lost IPIs or the outcome of the case, with the name of the other file.
        is_regression: the baseline has a time, and the later file none because the
            case loses IPIs or has no result.
    """

    name: str
    file: str
    reason: Reason
    detail: str = ""
    is_regression: bool = False


@attrs.frozen(kw_only=True)
class File:
    """
    One file of a comparison.

    Args:
        rows: the rows of the series that are compared.
        all_series: the rows of all series.
        outcomes: the cases that have no result.
        free: the axes in which the files differ because they are compared.
    """

    name: str
    rows: Mapping[Any, Row]
    all_series: Iterable[Row]
    outcomes: Outcomes
    free: tuple[str, ...] = ()

    def without(self, other: File, *, is_baseline: bool) -> Iterator[Unpaired]:
        """The series of this file that *other* does not have."""
        for key, row in self.rows.items():
            if key not in other.rows:
                reason, detail = other.why_absent(row)
                yield Unpaired(
                    name=row.name,
                    file=self.name,
                    reason=reason,
                    detail=detail,
                    is_regression=is_baseline and reason is not Reason.ONE_FILE,
                )

    def without_time(self) -> Iterator[Unpaired]:
        """The cases that lose IPIs and have no row to compare, then those without a result."""
        timed = {row.key(_CASE) for row in self.rows.values()}
        measured = {case_name(row): row for row in self.all_series}
        for name, row in measured.items():
            if row.fact("lost") and row.key(_CASE) not in timed:
                yield Unpaired(name=name, file=self.name, reason=Reason.LOST, detail=loss(row))
        for name, outcome in self.outcomes.items():
            if name not in measured:
                yield Unpaired(
                    name=name, file=self.name, reason=Reason.NO_RESULT, detail=outcome
                )

    def why_absent(self, row: Row) -> tuple[Reason, str]:
        """The reason why this file does not have the series of *row*."""
        axes = (*_CASE, *self.free)
        same_case = [other for other in self.all_series if other.key(axes) == row.key(axes)]
        if lossy := next((other for other in same_case if other.fact("lost")), None):
            return Reason.LOST, f"{loss(lossy)} in {self.name}"
        outcome = None if same_case else self.outcomes.get(case_name(row))
        if outcome:
            return Reason.NO_RESULT, f"in {self.name} {outcome}"
        return Reason.ONE_FILE, ""


def loss(row: Row) -> str:
    """The number of IPIs that the sender of *row* loses, in words."""
    return f"loses {row.fact('lost')} of {row.fact('targets')} IPIs"


def case_name(row: Row) -> str:
    """The name of the case to which the series *row* belongs."""
    return row.name.removesuffix(f" {row.fact('series')}")
