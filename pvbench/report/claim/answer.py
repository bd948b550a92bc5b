"""The answer that a report begins with: how it is known, and what is faster by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pvbench.compare.pairs import CHANGES, Pair
from pvbench.compare.statistics import NOT_INTERLEAVED
from pvbench.compare.unpaired import LOSES
from pvbench.document import Block, Cell, Column, Field, Notes, Paragraph, Role, Table, table_of
from pvbench.report.claim.labels import Label, boots, by_side
from pvbench.report.quantities import time_of
from pvbench.results.rows import Row
from pvbench.text import counted

_KINDS: Final = {
    "modelled": "Modelled, not measured",
    "emulated": "Emulated, not measured",
    "published": "As published",
    "measured": "Measured",
}
_NOTHING: Final = "no two cases can be compared"
_PLURAL: Final = {LOSES: "with lost IPIs"}
_MOST_SENTENCES: Final = 4  # more sides are a list
Sides = Mapping[tuple[str, str], list[Pair]]


def origin(rows: Iterable[Row]) -> str:
    """How the times of *rows* are known, as the beginning of a sentence."""
    kinds = dict.fromkeys(row.kind for row in rows)
    others = (f"{kind[0].upper()}{kind[1:]}" for kind in kinds if kind not in _KINDS)
    return "; ".join((*(words for kind, words in _KINDS.items() if kind in kinds), *others))


def blocks(
    pairs: Sequence[Pair],
    rows: Sequence[Row],
    losses: Mapping[str, int],
    label: Label,
    reason: str,
) -> Iterator[Block]:
    """
    The answer: a sentence for each side, or one about all and a list.

    Args:
        pairs: those of the comparison.
        rows: the rows of all files, whose kind the first words say.
        losses: the number of cases in which a side loses IPIs.
        label: names the case of a pair.
        reason: why nothing is compared, for a comparison without pairs.
    """
    sides = by_side(pairs)
    is_list = len(sides) > _MOST_SENTENCES
    if is_list:
        sentences = [_of_all(pairs, len(sides), label)]
    else:
        sentences = [_answer(side, members, label) for side, members in sides.items()]
    first, *others = sentences or [f"{_NOTHING}. {reason}"]
    yield Paragraph(f"{origin(rows)}: {first}")
    yield from (Paragraph(f"{answer[0].upper()}{answer[1:]}") for answer in others)
    yield from map(Paragraph, _lossy(losses, by_side_only=not is_list))
    table = _table(sides, losses)
    yield table
    lines = (_line(*row) for row in table.rows) if is_list else ()
    yield Notes(lines=tuple(lines), bulleted=True, in_json=False)


def _line(side: Cell, baseline: Cell, cases: Cell, largest: Cell) -> str:
    """A row of the table as a line."""
    ratio = f", largest ratio {largest.text}" if largest.value else ""
    return f"{side.text} against {baseline.text}: {cases.text}{ratio}"


def _lossy(losses: Mapping[str, int], *, by_side_only: bool) -> Iterator[str]:
    """What a ratio does not say: the cases in which a side loses IPIs."""
    if not by_side_only and losses:
        verb = "loses" if len(losses) == 1 else "lose"
        sides = counted(len(losses), "side")
        yield f"{sides} of this comparison {verb} IPIs in other cases, which have no times."
        return
    for side, cases in losses.items():
        verb = "has" if cases == 1 else "have"
        yield f"{side} loses IPIs in {counted(cases, 'other case')}, which {verb} no time."


def _table(sides: Sides, losses: Mapping[str, int]) -> Table:
    """A row for each side, for JSON."""
    fields: list[Field[tuple[tuple[str, str], list[Pair]]]] = [
        Field(Column("new", "new"), lambda item: Cell(item[0][1])),
        Field(Column("base", "base"), lambda item: Cell(item[0][0])),
        Field(
            Column("cases", "cases", Role.PROSE),
            lambda item: _tally(item[1], losses.get(item[0][1], 0)),
        ),
        Field(Column("largest", "largest", Role.VALUE), lambda item: _largest(item[1])),
    ]
    return table_of(fields, sides.items(), name="answers", shown=False)


def _tally(pairs: list[Pair], lossy: int) -> Cell:
    """The number of cases of each verdict, and of those that lose IPIs."""
    numbers = dict(_ordered(_verdicts(pairs))) | ({LOSES: lossy} if lossy else {})
    texts = (f"{number} {_PLURAL.get(verdict, verdict)}" for verdict, number in numbers.items())
    return Cell(numbers, ", ".join(texts))


def _largest(pairs: list[Pair]) -> Cell:
    """The ratio of the largest change."""
    ranked = [pair for pair in pairs if pair.is_ranked]
    if not ranked:
        return Cell(None, "-")
    ratio = _most_changed(ranked).speed_ratio
    return Cell(ratio, f"{ratio:.3f}")


def _verdicts(pairs: Sequence[Pair]) -> Counter[str]:
    return Counter(map(_verdict, pairs))


def _verdict(pair: Pair) -> str:
    """The verdict; where times rank no senders, whether the counts differ."""
    if not pair.is_ranked:
        return "with other counts" if pair.has_other_counts else "with equal counts"
    return pair.verdict or "without a verdict"


def _most_changed(ranked: Sequence[Pair]) -> Pair:
    changed = [pair for pair in ranked if pair.verdict in CHANGES]
    return min(changed or ranked, key=lambda pair: pair.order[1])


def _of_all(pairs: Sequence[Pair], sides: int, label: Label) -> str:
    """A sentence about all sides."""
    cases = counted(len({label(pair) for pair in pairs}), "case")
    text = f"{sides} sides are compared with their baselines in {cases}"
    ranked = [pair for pair in pairs if pair.is_ranked]
    if not ranked:
        return f"{text}; an emulator's times rank no senders."
    largest = _most_changed(ranked)
    return (
        f"{text}; the largest change is {_amount(largest)}, of {largest.side} against "
        f"{largest.baseline} in {_evidence(largest, label)}."
    )


def _answer(sides: tuple[str, str], pairs: list[Pair], label: Label) -> str:
    if not any(pair.is_ranked for pair in pairs):
        return _of_counts(sides, pairs, label)
    baseline, side = sides
    (first, count), *others = _ordered(_verdicts(pairs))
    parts = [f"{first} in {count} of {counted(len(pairs), 'case')}"]
    parts += [f"{verdict} in {number}" for verdict, number in others]
    text = f"compared with {baseline}, {side} is {', '.join(parts)}"
    largest = _most_changed([pair for pair in pairs if pair.is_ranked])
    head = "" if len(pairs) == 1 else "the largest change is "
    return f"{text}; {head}{_amount(largest)} in {_evidence(largest, label)}."


def _ordered(verdicts: Counter[str]) -> list[tuple[str, int]]:
    """The verdicts that are changes first, then the others by their number."""
    return sorted(verdicts.items(), key=lambda item: (item[0] not in CHANGES, -item[1]))


def _amount(pair: Pair) -> str:
    """``2.58 times as fast``, or of a path ``1.02 times as long``."""
    if pair.is_near_exact:
        return f"{1 / pair.speed_ratio:.3f} times as long"
    return f"{pair.speed_ratio:.3g} times as fast"


def _evidence(pair: Pair, label: Label) -> str:
    """The case, both times, the interval of the ratio and the number of boots."""
    times = " to ".join(time_of(row) for row in pair.rows)
    return f"{label(pair)} ({times}, {interval(pair)}, {boots(pair)})"


def interval(pair: Pair) -> str:
    """The interval of the speed ratio in words, or why there is none."""
    if pair.judged:
        if pair.judged.low is None or pair.judged.high is None:
            return "no interval"
        scatter = " of the scatter only" if pair.judged.reason == NOT_INTERLEAVED else ""
        return f"95 % interval{scatter} {pair.judged.low:.3g} to {pair.judged.high:.3g}"
    if pair.is_noisy or pair.slowdown is None:
        return "no interval"
    if pair.is_near_exact:
        low, high = pair.slowdown
        return f"path ratios {low:.4g} to {high:.4g}"
    return "exact"


def _of_counts(sides: tuple[str, str], pairs: list[Pair], label: Label) -> str:
    """The answer where times rank no senders."""
    baseline, side = sides
    changed = [pair for pair in pairs if pair.has_other_counts]
    example = f" ({label(changed[-1])}: {changed[-1].counts})" if changed else ""
    return (
        f"compared with {baseline}, {side} has other counts in {len(changed)} of "
        f"{counted(len(pairs), 'case')}{example}; an emulator's times rank no senders."
    )
