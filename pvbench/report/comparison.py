"""The document of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from pvbench.compare.ab_line import Command
from pvbench.compare.comparison import Comparison
from pvbench.compare.status import Gate
from pvbench.compare.unpaired import Reason
from pvbench.document import (
    Block,
    Document,
    Notes,
    Table,
    facts,
)
from pvbench.errors import Status
from pvbench.report import crossovers, noisy, outcomes, pairs, reached, unpaired
from pvbench.report.notes import distance
from pvbench.report.quantities import statistic
from pvbench.text import short_hashes

_NO_MATCH: Final = (
    "the files have no case in common; --by AXIS compares cases that differ in that axis only"
)

_NO_ROWS: Final = "{file} has no result of a case that -k matches"

_NO_SIDES: Final = "--by {axis} has nothing to compare: no two cases differ only in the {axis}"

_LOSSY_SIDES: Final = (
    "--by {axis} has nothing to compare: a case that loses IPIs has no time, "
    "and no other two cases differ only in the {axis}"
)


def document(comparison: Comparison) -> Document:
    """Build the document: the differences, what got worse than slow, the pairs, the rest."""
    command = noisy.deciding(comparison)
    blocks: list[Block] = [
        _differences(comparison),
        _subject(comparison, command),
        Notes(lines=tuple(_heading(comparison, command)), in_json=False),
        *noisy.command_line(command),
        *unpaired.worse(comparison.unpaired),
        _pairs(comparison),
        *_crossovers(comparison),
        unpaired.others(comparison.unpaired),
        outcomes.of_comparison(comparison),
    ]
    return Document(blocks)


def warnings(comparison: Comparison) -> Iterator[str]:
    """Sentences about stale and empty files, and about a comparison without pairs."""
    yield from comparison.stale
    yield from (_NO_ROWS.format(file=name) for name in comparison.empty)
    if comparison.pairs:
        return
    if axis := comparison.question.by:
        is_lossy = any(one.reason is Reason.LOST for one in comparison.unpaired)
        yield (_LOSSY_SIDES if is_lossy else _NO_SIDES).format(axis=axis)
    elif not comparison.empty:
        yield _NO_MATCH


# above the table


def _differences(comparison: Comparison) -> Table:
    """A row for each fact that differs, a column for each file."""
    values = {difference.fact: list(difference.values) for difference in comparison.differences}
    return attrs.evolve(facts(values, name="differs"), shown=False)


def _subject(comparison: Comparison, command: Command | None) -> Table:
    """The files, of which the first is the baseline, and the sentences about them, for JSON."""
    values = {
        "files": list(comparison.files),
        "stale": list(comparison.stale),
        "deciding_line": command.text if command else None,
        "deciding_lacks": list(command.lacks) if command else [],
        "reach": list(reached.sentences(comparison.pairs)),
        "remarks": [attrs.asdict(remark) for remark in comparison.remarks],
        "margin_percent": comparison.question.margins.usual.percent,
        "margins": {one.expression: one.percent for one in comparison.question.margins.named},
        "fail_above_percent": comparison.question.fail_above_percent,
        "statistic": _statistic(comparison),
    }
    return facts(values, shown=False)


def difference_lines(comparison: Comparison) -> Iterator[str]:
    """A line for each fact of software, host and cases that is not the same in all files."""
    for difference in comparison.differences:
        yield f"differs: {difference.fact}: {' | '.join(map(short_hashes, difference.values))}"


def _heading(comparison: Comparison, command: Command | None) -> Iterator[str]:
    """The names of the files, and the kind of their numbers."""
    yield from difference_lines(comparison)
    if not comparison.question.by:
        first, *others = comparison.files
        yield f"baseline: {first}"
        yield from (f"compared: {name}" for name in others)
    if comparison.question.is_count:
        yield f"count: {comparison.question.series} of one burst from each source"
    elif comparison.pairs:
        quantity = " path length" if all(p.is_near_exact for p in comparison.pairs) else ""
        yield f"statistic: {_statistic(comparison)}{quantity}"
    for remark in comparison.remarks:
        yield f"{', '.join(remark.files)}: {remark.text}"
    if comparison.question.beside and comparison.pairs:
        pair = comparison.pairs[0]
        kinds = f"{pair.baseline[0].upper()}{pair.baseline[1:]} and {pair.side}"
        yield f"{kinds} times are compared as residuals, not ranked."
    yield from distance(row for pair in comparison.pairs for row in pair.rows)
    yield from reached.sentences(comparison.pairs)
    yield from noisy.sentences(comparison, _statistic(comparison))
    yield from noisy.introduction(command)
    yield from _gate(comparison)
    yield from hidden(comparison)


def hidden(comparison: Comparison) -> Iterator[str]:
    """The number of pairs that --only does not show."""
    if comparison.hidden:
        counts = sorted(comparison.hidden.items(), key=lambda item: (-item[1], item[0]))
        texts = (f"{count} {verdict or 'without a verdict'}" for verdict, count in counts)
        yield f"Pairs that are not shown: {', '.join(texts)}."


def _gate(comparison: Comparison) -> Iterator[str]:
    """The number of pairs above the limit of --fail-above, and of those that may be."""
    limit = comparison.question.fail_above_percent
    if limit is None or not comparison.pairs:
        return
    statuses = list(map(Gate(fail_above_percent=limit).of_pair, comparison.pairs))
    above, unclear = map(statuses.count, (Status.REGRESSION, Status.INCONCLUSIVE))
    of_all = f"{above} of {len(statuses)}"
    yield f"Pairs that are slower by more than {limit:g} %: {of_all}; undecided: {unclear}."


def _statistic(comparison: Comparison) -> str:
    """The statistic of a burst's times; both if that of a published time is another."""
    rows = (row for pair in comparison.pairs for row in (pair.before, pair.after))
    return " and ".join(dict.fromkeys(statistic(row.statistic) for row in rows))


# the table


def _pairs(comparison: Comparison) -> Table:
    """A row for each pair; the table is shown if there are pairs."""
    if comparison.question.beside and comparison.pairs:
        return pairs.residuals(comparison.pairs)
    if comparison.question.is_count:
        return pairs.of_counts(comparison.shown, comparison.question.axis)
    return pairs.ranking(comparison.shown, comparison.question.axis)


# below the table


def _crossovers(comparison: Comparison) -> Iterator[Block]:
    """A table of all crossovers for JSON, and the sentences that are shown."""
    shown = comparison.shown_crossovers
    yield crossovers.table(shown)
    yield Notes(lines=tuple(crossovers.crossings(shown)), in_json=False)
