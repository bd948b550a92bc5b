"""The verdicts on the pairs of a comparison whose clock is noisy."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import attrs

from pvbench.compare.allowance import Allowance
from pvbench.compare.interleaved import in_one_session
from pvbench.compare.margin import Margins
from pvbench.compare.pairs import Pair
from pvbench.compare.statistics import ALPHA, Interleaved, NotInterleaved, Sample, verdicts
from pvbench.results import schema
from pvbench.results.rows import Row

AllowanceOf = Callable[[Row, Row], Allowance | None]


def judged(
    pairs: Sequence[Pair],
    margins: Margins,
    allowance_of: AllowanceOf,
    alpha: float = ALPHA,
) -> tuple[Pair, ...]:
    """
    The pairs of one comparison, with verdicts where the clock is noisy.

    A single published value gets no verdict.

    Args:
        pairs: all pairs.
        margins: speed ratios this close to 1 are equivalent.
        allowance_of: how far whole runs like these two differ by chance.
        alpha: the probability that a comparison of equal sides has a false verdict.
    """
    is_judged = [pair.is_noisy and not pair.is_single for pair in pairs]
    samples = [
        _sample(pair, margins.of(pair.after.case), allowance_of)
        for pair, noisy in zip(pairs, is_judged, strict=True)
        if noisy
    ]
    in_order = iter(verdicts(samples, alpha) if samples else ())
    return tuple(
        attrs.evolve(pair, judged=next(in_order)) if noisy else pair
        for pair, noisy in zip(pairs, is_judged, strict=True)
    )


def log_ratios(pair: Pair) -> dict[int, float]:
    """The log of the speed ratio of each boot; {} if the sides were not interleaved."""
    interleaved = _interleaved(pair, 0)
    return interleaved.log_ratios if interleaved else {}


def _sample(pair: Pair, margin: float, allowance_of: AllowanceOf) -> Sample:
    one, other = pair.before, pair.after
    return _interleaved(pair, margin) or NotInterleaved(
        before_s=one.boots_s,
        after_s=other.boots_s,
        margin=margin,
        allowance=allowance_of(one, other),
    )


def _interleaved(pair: Pair, margin: float) -> Interleaved | None:
    """The boots of both sides by their numbers, if the sides were interleaved."""
    one, other = pair.before, pair.after
    numbers = _shared_boots(one, other) or _ab_boots(one, other)
    if not numbers and not in_one_session([one], [other]):
        return None
    return Interleaved(
        before_s=_of_boots(one, numbers), after_s=_of_boots(other, numbers), margin=margin
    )


def _shared_boots(one: Row, other: Row) -> set[int]:
    """The numbers of the boots in which both sides were measured."""
    same = all(one.fact(fact) == other.fact(fact) for fact in schema.boot_facts())
    numbered = all(len(row.boots) == len(row.boots_s) for row in (one, other))
    in_one_file = one.file == other.file != ""
    return {*one.boots} & {*other.boots} if same and in_one_file and numbered else set()


def _ab_boots(one: Row, other: Row) -> set[int]:
    """The numbers of the boots that `pvbench ab` measured in adjacent pairs."""
    pairs = set[tuple[int, str]]() if one.file == other.file else one.pairs & other.pairs
    return {number for number, _ in pairs}


def _of_boots(row: Row, numbers: Container[int]) -> dict[int, float]:
    boots = zip(row.boots, row.boots_s, strict=True)
    return {number: time_s for number, time_s in boots if number in numbers}
