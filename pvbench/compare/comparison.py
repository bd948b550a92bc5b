"""
A comparison: everything that follows from result files and a question about them.

Reports print it and decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from pvbench.compare import crossover, differences, matching, status
from pvbench.compare.crossover import Crossover
from pvbench.compare.differences import Difference
from pvbench.compare.matching import Files, Matched
from pvbench.compare.outcomes import Outcomes
from pvbench.compare.pairs import Pair, judged
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status, UsageError, worst
from pvbench.results import schema
from pvbench.results.rows import HEADLINE, Row

ALL_SERIES = "all"


@attrs.frozen(kw_only=True)
class Question:
    """
    What is compared: the files, unless *by* or *beside* is given.

    Args:
        by: the axis whose sides are compared, a choice of the schema.
        beside: the second file predicts the first.
        baseline: the side of *by* to compare with; None is the first.
        margin_percent: on a noisy clock speed ratios this close to 1 are equivalent.
        series: which time, or `ALL_SERIES`.

    Raises:
        UsageError: the options contradict each other.
    """

    by: str | None = None
    beside: bool = False
    baseline: str | None = None
    margin_percent: float = 2
    series: str = HEADLINE

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.margin_percent < 100:
            raise UsageError(f"--margin {self.margin_percent:g} is not in 0..100 percent")
        if self.baseline and not self.by:
            raise UsageError("--baseline names a side of --by", fix="Give --by sender, say.")

    @property
    def files_needed(self) -> int:
        """How many files it takes at least."""
        return 1 if self.by else 2

    @property
    def across_files(self) -> bool:
        """Whether later files are judged against the first."""
        return not (self.by or self.beside)


@attrs.frozen
class Remark:
    """A sentence about results, and the files that it is about."""

    text: str
    files: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Comparison:
    """
    Result files compared.

    Args:
        files: names, the baseline first.
        differences: of software and host, then of the cases.
        remarks: sources and caveats of the files, notes of their deliveries.
        pairs: what is compared, with verdicts.
        unpaired: what cannot be compared, and why.
        crossovers: where verdicts change along the parameter of a workload family.
        stale: sentences about files that are out of date.
    """

    question: Question
    files: tuple[str, ...]
    differences: tuple[Difference, ...]
    remarks: tuple[Remark, ...]
    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...] = ()
    crossovers: tuple[Crossover, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The exit status; only between files something can be a regression."""
        ends = [Status.OK if self.pairs else Status.NOTHING_MEASURED]
        if self.question.across_files:
            ends.append(status.status(self.pairs, self.unpaired))
        if self.stale:
            ends.append(Status.INCONCLUSIVE)
        return worst(ends)

    @property
    def noisy(self) -> tuple[Pair, ...]:
        """The pairs on a clock that does not repeat itself."""
        return tuple(pair for pair in self.pairs if pair.is_noisy)


def compare(
    files: Files,
    question: Question,
    stale: Sequence[str] = (),
    outcomes: Mapping[str, Outcomes] | None = None,
) -> Comparison:
    """
    Compare the rows of *files*, by name, the baseline first.

    Args:
        files: the rows of each file.
        question: what is compared.
        stale: sentences about files that are out of date.
        outcomes: the cases of each file that have no result.

    Raises:
        UsageError: the files do not allow the question.
    """
    chosen = {name: _of_series(rows, question.series) for name, rows in files.items()}
    matched = _matched(chosen, files, outcomes or {}, question)
    differing = [*differences.of_origin(files.values())]
    if not question.beside:
        differing += differences.of_cases(files.values())
    return Comparison(
        question=question,
        files=tuple(files),
        differences=tuple(differing),
        remarks=_remarks(chosen),
        pairs=matched.pairs,
        unpaired=matched.unpaired,
        crossovers=() if question.beside else tuple(crossover.crossovers(matched.pairs)),
        stale=tuple(stale),
    )


def _of_series(rows: Sequence[Row], series: str) -> list[Row]:
    return [row for row in rows if series in (ALL_SERIES, row.fact("series"))]


def _matched(
    files: Files, whole: Files, outcomes: Mapping[str, Outcomes], question: Question
) -> Matched:
    """The pairs, with verdicts if they are ranked."""
    if question.beside:
        return matching.beside(files)
    if question.by:
        matched = matching.by_axis(files, question.by, question.baseline, whole, outcomes)
    else:
        matched = matching.across_files(files, whole, outcomes)
    pairs = judged(list(matched.pairs), question.margin_percent / 100)
    return attrs.evolve(matched, pairs=tuple(pairs))


def _remarks(files: Files) -> tuple[Remark, ...]:
    """Each sentence once, with all files that have it."""
    names: dict[str, dict[str, None]] = {}
    for name, rows in files.items():
        for text in dict.fromkeys(text for row in rows for text in schema.remarks(row.facts)):
            names.setdefault(text, {})[name] = None
    return tuple(Remark(text, tuple(files_with_it)) for text, files_with_it in names.items())
