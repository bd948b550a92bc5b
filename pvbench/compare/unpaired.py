"""
Series and cases that are in no pair, with reasons.

A case that got worse than slow has a verdict too: it loses IPIs, it is void or
unsupported, or it is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

import attrs

from pvbench.compare.outcomes import MISSING, Outcome, Outcomes
from pvbench.results import schema
from pvbench.results.rows import Row

LOSES: Final = "loses"
_OUTCOMES: Final = ("void", "unsupported")  # outcomes that are verdicts


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
        name: the name of the series, or of its case if the file has no time of the case.
        file: the file that *verdict* is about; without a verdict, the one that has it.
        reason: why the series is in no pair.
        detail: the lost IPIs, or the outcome of the case.
        verdict: ``loses``, ``void``, ``unsupported`` or ``missing``; empty if it is no worse
            than slow.
        is_regression: the baseline has a result, or loses fewer IPIs.
        is_unclear: the baseline has a result, but an error of the host is the reason why
            this file has none.
    """

    name: str
    file: str
    reason: Reason
    detail: str = ""
    verdict: str = ""
    is_regression: bool = False
    is_unclear: bool = False


@attrs.frozen(kw_only=True)
class File:
    """
    One file of a comparison.

    Args:
        rows: the rows that are compared, by their keys; none of them loses IPIs.
        cases: the rows of all series, by the keys of their cases.
        outcomes: the cases that have no result, or not in every boot.
        free: the axes in which the files differ because they are compared.
        site: the words for the site in the names of its cases; empty unless the site is
            such an axis.
    """

    name: str
    rows: Mapping[Any, Row]
    cases: Mapping[Any, list[Row]]
    outcomes: Outcomes
    free: tuple[str, ...] = ()
    timed: frozenset[Any] = frozenset()
    site: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        rows: Iterable[Row],
        all_series: Iterable[Row],
        outcomes: Outcomes,
        free: tuple[str, ...] = (),
    ) -> File:
        """The file called *name*, with the rows of the series that are compared."""
        cases: dict[Any, list[Row]] = {}
        site = ""
        for row in all_series:
            site = schema.in_name("site", row.facts) if "site" in free else ""
            cases.setdefault(row.key(("series", *free)), []).append(row)
        compared = {row.key(free): row for row in rows if not row.fact("lost")}
        timed = frozenset(row.key(("series", *free)) for row in compared.values())
        return cls(
            name=name,
            rows=compared,
            cases=cases,
            outcomes=outcomes,
            free=free,
            timed=timed,
            site=site,
        )

    def got_worse(self, baseline: File) -> Iterator[Unpaired]:
        """The cases that are worse than slow in this file, and that *baseline* has or lacks."""
        for key, row in baseline.rows.items():
            if key not in self.rows:
                absent = self.why_absent(row, baseline)
                unclear = self._is_of_host(absent)
                yield attrs.evolve(absent, is_regression=not unclear, is_unclear=unclear)
        yield from self._lossy(baseline)
        yield from self._without_result(baseline)

    def added_to(self, baseline: File) -> Iterator[Unpaired]:
        """The series of this file that *baseline* does not have."""
        for key, row in self.rows.items():
            if key not in baseline.rows:
                absent = baseline.why_absent(row, self)
                yield attrs.evolve(
                    absent,
                    name=row.name,
                    file=self.name,
                    detail=_detail_of_other(absent),
                    verdict="",
                )

    def why_absent(self, row: Row, other: File) -> Unpaired:
        """The reason why this file lacks the series *row* of *other*."""
        same_case = self.cases.get(self._case(row), [])
        name = row.name if self._case(row) in self.timed else row.case
        if lossy := _lossy(same_case):
            return self._loss(lossy)
        case = self._name_here(row.case, other)
        if (outcome := self.outcomes.get(case)) and not same_case:
            return self._outcome(case, outcome)
        return Unpaired(
            name=name,
            file=self.name,
            reason=Reason.ONE_FILE,
            detail=f"only in {other.name}",
            verdict=MISSING,
        )

    def worse_than_slow(self) -> Iterator[Unpaired]:
        """The cases that lose IPIs, then those without a result; no file is the baseline."""
        yield from (
            self._loss(lossy) for rows in self.cases.values() if (lossy := _lossy(rows))
        )
        yield from self._outcomes(set())

    def _lossy(self, baseline: File) -> Iterator[Unpaired]:
        """The cases that lose IPIs here and have no time to compare in *baseline* either."""
        for key, rows in self.cases.items():
            if key not in baseline.timed and (lossy := _lossy(rows)):
                before = baseline.cases.get(key)
                lost = max((row.fact("lost") or 0 for row in before or ()), default=0)
                yield attrs.evolve(
                    self._loss(lossy),
                    is_regression=before is not None and lossy.fact("lost") > lost,
                )

    def _without_result(self, baseline: File) -> Iterator[Unpaired]:
        """The cases that are void in some boots, or that only this file's run had."""
        cases = (rows[0].case for rows in baseline.cases.values())
        measured = {self._name_here(case, baseline) for case in cases}
        refused = {self._name_here(case, baseline) for case in baseline.outcomes}
        for series in self._outcomes(refused):
            partial = self.outcomes[series.name].is_partial
            if partial or series.name not in measured:
                worse = partial and series.name in measured and not self._is_of_host(series)
                yield attrs.evolve(series, is_regression=worse)

    def _name_here(self, case: str, other: File) -> str:
        """The name that a case of *other* has in this file, whose site may be another."""
        return case.replace(other.site, self.site) if other.site and self.site else case

    def _is_of_host(self, series: Unpaired) -> bool:
        outcome = self.outcomes.get(series.name)
        return bool(outcome and outcome.of_host and series.reason is Reason.NO_RESULT)

    def _outcomes(self, without: set[str]) -> Iterator[Unpaired]:
        for name, outcome in self.outcomes.items():
            if name not in without:
                yield self._outcome(name, outcome)

    def _loss(self, lossy: Row) -> Unpaired:
        return Unpaired(
            name=lossy.case,
            file=self.name,
            reason=Reason.LOST,
            detail=f"loses {lossy.fact('lost')} of {lossy.fact('targets')} IPIs",
            verdict=LOSES,
        )

    def _outcome(self, name: str, outcome: Outcome) -> Unpaired:
        return Unpaired(
            name=name,
            file=self.name,
            reason=Reason.NO_RESULT,
            detail=f"{outcome.text} (in some boots)" if outcome.is_partial else outcome.text,
            verdict=outcome.kind if outcome.kind in _OUTCOMES else MISSING,
        )

    def _case(self, row: Row) -> Any:
        return row.key(("series", *self.free))


def _detail_of_other(absent: Unpaired) -> str:
    """The detail with the name of the file that it is about, for a row of another file."""
    if absent.reason is Reason.ONE_FILE:
        return absent.detail
    return f"{absent.detail} in {absent.file}"


def _lossy(rows: Iterable[Row]) -> Row | None:
    """The first of *rows* that loses IPIs."""
    return next((row for row in rows if row.fact("lost")), None)
