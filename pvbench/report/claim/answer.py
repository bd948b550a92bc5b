"""The sentences that a report begins with: how it is known, and what is faster by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pvbench.compare.pairs import CHANGES, Pair
from pvbench.compare.statistics import NOT_INTERLEAVED
from pvbench.report.claim.labels import Label, boots, by_side
from pvbench.report.quantities import seconds
from pvbench.results.rows import Row
from pvbench.text import counted

_KINDS: Final = {
    "modelled": "Modelled, not measured",
    "emulated": "Emulated, not measured",
    "published": "As published",
    "measured": "Measured",
}
_NOTHING: Final = "no two cases can be compared"


def origin(rows: Iterable[Row]) -> str:
    """How the times of *rows* are known, as the beginning of a sentence."""
    kinds = dict.fromkeys(row.kind for row in rows)
    return "; ".join(_KINDS[kind] for kind in _KINDS if kind in kinds)


def sentences(pairs: Sequence[Pair], rows: Sequence[Row], label: Label) -> Iterator[str]:
    """A sentence for each side; the first one says how the times are known."""
    answers = [_answer(side, members, label) for side, members in by_side(pairs).items()]
    first, *others = answers or [f"{_NOTHING}."]
    yield f"{origin(rows)}: {first}"
    yield from (f"{answer[0].upper()}{answer[1:]}" for answer in others)


def _answer(sides: tuple[str, str], pairs: list[Pair], label: Label) -> str:
    if not any(pair.is_ranked for pair in pairs):
        return _of_counts(sides, pairs, label)
    baseline, side = sides
    verdicts = Counter(pair.verdict or "without a verdict" for pair in pairs)
    (first, count), *others = _ordered(verdicts)
    parts = [f"{first} in {count} of {counted(len(pairs), 'case')}"]
    parts += [f"{verdict} in {number}" for verdict, number in others]
    text = f"compared with {baseline}, {side} is {', '.join(parts)}"
    ranked = [pair for pair in pairs if pair.is_ranked]
    changed = [pair for pair in ranked if pair.verdict in CHANGES]
    largest = min(changed or ranked, key=lambda pair: pair.order[1])
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
    times = " to ".join(seconds(row.value_s) for row in pair.rows)
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
