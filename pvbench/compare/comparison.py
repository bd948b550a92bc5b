"""
The comparison of result files under one question.

All decisions are made here; reports only print them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

import attrs

from pvbench.compare import crossover, differences, matching, status
from pvbench.compare.axis import by_axis
from pvbench.compare.crossover import Crossover
from pvbench.compare.differences import Difference
from pvbench.compare.judging import AllowanceOf, judged
from pvbench.compare.looks import alpha_of_look, looks
from pvbench.compare.matching import Files, Matches
from pvbench.compare.outcomes import Outcomes
from pvbench.compare.pairs import Pair
from pvbench.compare.question import ALL_SERIES, Question
from pvbench.compare.statistics import ALPHA
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status, worst
from pvbench.results import counts, schema
from pvbench.results.rows import Row


@attrs.frozen
class Remark:
    """A sentence about results, and the files to which it applies."""

    text: str
    files: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Comparison:
    """
    A finished comparison of result files.

    Args:
        files: names, the baseline first.
        differences: those of software and host, then those of the cases.
        remarks: sources and caveats of the files, and notes of their deliveries.
        pairs: the pairs with their verdicts.
        unpaired: the series that cannot be compared, with reasons.
        crossovers: the parameters of workload families at which verdicts change.
        stale: sentences about files that are out of date.
        empty: the names of the files that have no rows.
    """

    question: Question
    files: tuple[str, ...]
    differences: tuple[Difference, ...]
    remarks: tuple[Remark, ...]
    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...] = ()
    crossovers: tuple[Crossover, ...] = ()
    stale: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The exit status; along an axis it is that of a gate only if there is a limit."""
        gate = status.Gate(
            fail_above_percent=self.question.fail_above_percent,
            missing_is_inconclusive=self.question.missing_is_inconclusive,
        )
        statuses = [Status.OK if self.pairs else Status.NOTHING_MEASURED]
        if self.question.across_files:
            statuses.append(gate.status(self.pairs, self.unpaired))
        elif gate.fail_above_percent is not None:
            statuses.append(gate.status(self.pairs))
        if self.stale:
            statuses.append(Status.INCONCLUSIVE)
        return worst(statuses)

    @property
    def looks(self) -> tuple[int, ...]:
        """The boots after which runs of these files may have ended settled; often none."""
        most = _max_boots(self.pairs)
        return looks(most) if most else ()

    @property
    def shown(self) -> tuple[Pair, ...]:
        """
        The pairs of a report.

        Those of a side stand together, slower ones first, and larger changes before
        smaller ones.  Predictions stay in the order of their file.
        """
        if self.question.beside:
            return self.pairs
        sides = {pair.side: None for pair in self.pairs}
        places = {side: place for place, side in enumerate(sides)}
        pairs = (pair for pair in self.pairs if self._is_shown(pair))
        return tuple(sorted(pairs, key=lambda pair: (places[pair.side], *pair.order)))

    @property
    def hidden(self) -> Mapping[str, int]:
        """The number of pairs that are not shown, by their verdicts."""
        return Counter(pair.verdict for pair in self.pairs if not self._is_shown(pair))

    def _is_shown(self, pair: Pair) -> bool:
        return pair.is_changed or not self.question.only_changed

    @property
    def shown_crossovers(self) -> tuple[Crossover, ...]:
        """The crossovers of a report."""
        if not self.question.only_changed:
            return self.crossovers
        return tuple(one for one in self.crossovers if one.is_changed)

    @property
    def noisy(self) -> tuple[Pair, ...]:
        """The pairs with a verdict on a noisy clock."""
        return tuple(pair for pair in self.pairs if pair.judged)


def compare(
    files: Files,
    question: Question,
    stale: Sequence[str] = (),
    outcomes: Mapping[str, Outcomes] | None = None,
    allowance_of: AllowanceOf = lambda before, after: None,
) -> Comparison:
    """
    Compare the rows of *files*, of which the first is the baseline.

    Args:
        files: the rows of each file, by its name.
        question: the question that the comparison answers.
        stale: sentences about files that are out of date.
        outcomes: the cases of each file that have no result, or not in every boot.
        allowance_of: how far whole runs differ by chance, where that was measured.

    Raises:
        UsageError: the files do not allow the question.
    """
    remarks = _remarks(files)
    if question.is_count:
        files = {name: counts.of_cases(rows, question.series) for name, rows in files.items()}
    rows_of_series = {name: _of_series(rows, question.series) for name, rows in files.items()}
    matched = _matched(rows_of_series, files, outcomes or {}, question)
    pairs = matched.pairs
    if not question.beside:
        most = _max_boots(pairs)
        alpha = alpha_of_look(ALPHA, most) if most else ALPHA
        pairs = judged(pairs, question.margins, allowance_of, alpha)
    differing_facts = [*differences.of_origin(files.values())]
    if not question.beside:
        differing_facts += differences.of_cases(files.values())
    return Comparison(
        question=question,
        files=tuple(files),
        differences=tuple(differing_facts),
        remarks=remarks,
        pairs=pairs,
        unpaired=matched.unpaired,
        crossovers=_crossovers(pairs, files, question),
        stale=tuple(stale),
        empty=tuple(name for name, rows in files.items() if not rows),
    )


def _crossovers(
    pairs: Sequence[Pair], files: Files, question: Question
) -> tuple[Crossover, ...]:
    rows = chain.from_iterable(files.values())
    return () if question.beside else tuple(crossover.crossovers(pairs, rows))


def _max_boots(pairs: Sequence[Pair]) -> int:
    """The boots of the last look at the runs of noisy pairs; 0 if there were no looks."""
    rows = [row for pair in pairs if pair.is_noisy for row in (pair.before, pair.after)]
    return max((int(row.fact("max_boots") or 0) for row in rows), default=0)


def _of_series(rows: Sequence[Row], series: str) -> list[Row]:
    return [row for row in rows if series in (ALL_SERIES, row.fact("series"))]


def _matched(
    files: Files, all_series: Files, outcomes: Mapping[str, Outcomes], question: Question
) -> Matches:
    """The pairs without verdicts, and the series and cases that are in no pair."""
    if question.beside:
        return matching.beside(files)
    if question.axis:
        return by_axis(files, question.axis, question.baseline, all_series, outcomes)
    return matching.across_files(files, all_series, outcomes)


def _remarks(files: Files) -> tuple[Remark, ...]:
    """
    Each sentence once, with all files that contain it.

    Those about an emulator are left out: they are the same on both sides.
    """
    files_of: dict[str, dict[str, None]] = {}
    for name, rows in files.items():
        remarks = (schema.remarks(row.facts) for row in rows if row.kind != "emulated")
        for text in dict.fromkeys(chain.from_iterable(remarks)):
            files_of.setdefault(text, {})[name] = None
    return tuple(Remark(text, tuple(names)) for text, names in files_of.items())
