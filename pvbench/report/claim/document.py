"""
The document of a claim, as one mails it: the answer first, then all that is behind it.

The order is that of what reviewers of kernel patches read: answer, setting, numbers, what
is not better or not tested, how the sides differ, and how to repeat it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import attrs

from pvbench.compare.comparison import Comparison
from pvbench.document import Block, Document, Notes
from pvbench.report import noisy, outcomes, overtaking, unpaired
from pvbench.report.claim import answer, cases, limits, nothing, repeat, setting
from pvbench.report.claim.labels import labels
from pvbench.report.notes import distance
from pvbench.report.summary import refused, tables
from pvbench.results import schema
from pvbench.results.provenance import Provenance
from pvbench.results.rows import HEADLINE, Row


@attrs.frozen(kw_only=True)
class Claim:
    """
    What a report is about.

    Args:
        comparison: the finished comparison of the files.
        rows: the rows of all files in the series that is compared.
        lossy: a row of each case that loses IPIs; it may be of another series.
        sources: the origin of each file.
    """

    comparison: Comparison
    rows: Sequence[Row]
    sources: Sequence[Provenance]
    lossy: Sequence[Row] = ()

    @property
    def losses(self) -> Mapping[str, int]:
        """The number of cases in which each side loses IPIs."""
        axis = self.comparison.question.axis
        return Counter(schema.side(axis, r.facts) if axis else r.file for r in self.lossy)


def document(claim: Claim) -> Document:
    """Build the document of *claim*."""
    return Document(_blocks(claim))


def _blocks(claim: Claim) -> Iterator[Block]:
    comparison, rows = claim.comparison, claim.rows
    pairs = comparison.shown
    label = labels(pairs)
    reason = nothing.reason(comparison, rows)
    yield from answer.blocks(pairs, rows, claim.losses, label, reason)
    yield from overtaking.blocks(comparison.shown_crossovers)
    yield from setting.blocks(rows)
    yield from cases.blocks(pairs)
    if not pairs:  # the numbers of another benchmark are in no run that `show` prints
        yield from tables([row for row in rows if row.benchmark], _series(rows))
    yield Notes(lines=tuple(_notes(claim)))
    yield from limits.blocks(pairs, rows, label)
    yield from _failures(claim)
    yield from repeat.sides(comparison)
    yield from repeat.blocks(claim.sources, rows)
    yield outcomes.of_comparison(comparison)


def _series(rows: Sequence[Row]) -> str:
    """The series of the first row, whose times stand for those of all."""
    return str(rows[0].fact("series")) if rows else HEADLINE


def _notes(claim: Claim) -> Iterator[str]:
    """The method behind the verdicts, and what the files say of their times."""
    if claim.comparison.pairs:
        yield from noisy.sentences(claim.comparison, claim.comparison.pairs[0].after.statistic)
    yield from distance(claim.rows)
    yield from setting.sentences(claim.rows)


def _failures(claim: Claim) -> Iterator[Block]:
    """Cases that are void, unsupported or lost."""
    yield from unpaired.worse(claim.comparison.unpaired)
    yield unpaired.others(claim.comparison.unpaired)
    lines = [line for source in claim.sources for line in refused(source.entries)]
    yield Notes(
        title="Without a result:", lines=tuple(lines), name="without_result", bulleted=True
    )
