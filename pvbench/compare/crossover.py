"""Crossovers: the parameters of a workload family at which the verdict changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from pvbench.compare.pairs import CHANGES, Pair, conditions_of
from pvbench.compare.unpaired import LOSES
from pvbench.results import schema
from pvbench.results.rows import Row


@attrs.frozen(kw_only=True)
class Crossover:
    """
    The verdicts on two sides, for each value of the parameter of a workload family.

    Args:
        stack: the stack of the baseline; equal to *baseline* if senders are compared.
        conditions: the conditions that tell it apart from other crossovers, in words.
        stretches: each verdict with the first and the last value that have it, in order.
        values: the values that were run.
        kind: of its times, as in `Row`.
        intervals: those of the speed ratio on a noisy clock, with the first value of a
            stretch before each.
        assumed: the largest part of its times that rests on assumed costs; None if they
            are not modelled.
    """

    family: str
    stack: str
    guest: str
    conditions: str
    series: str
    baseline: str
    side: str
    parameter: str
    stretches: tuple[tuple[str, int, int], ...]
    values: tuple[int, ...]
    kind: str
    intervals: tuple[tuple[int, float, float], ...]
    assumed: float | None

    @property
    def is_changed(self) -> bool:
        """Whether a member of the family is faster or slower."""
        return any(verdict in CHANGES for verdict, _, _ in self.stretches)


def crossovers(pairs: Sequence[Pair], rows: Iterable[Row] = ()) -> list[Crossover]:
    """
    One crossover for each workload family with more than one member.

    Those of *rows* that lose IPIs have no pair, and ``loses`` as their verdict.
    """
    families: dict[tuple[Any, ...], list[Pair]] = {}
    losses: dict[tuple[Any, ...], set[int]] = {}
    for row in rows:
        if row.fact("lost") and row.fact("family"):
            losses.setdefault(_line(row), set()).add(int(row.fact("parameter_value")))
    conditions = conditions_of(pairs)
    for pair in pairs:
        if pair.before.fact("family") and pair.verdict:
            key = (_family(pair.before), pair.baseline, pair.side)
            families.setdefault((*key, pair.before.key(("workload",))), []).append(pair)
    return [
        _crossover(members, conditions, losses.get(_line(members[0].after), set()))
        for members in families.values()
        if len(members) > 1
    ]


def _family(row: Row) -> str:
    return f"{row.fact('family')} {row.fact('variant') or ''}".strip()


def _line(row: Row) -> tuple[Any, ...]:
    """The facts that the members of a family share, whichever series they have."""
    return (_family(row), row.file, *row.key(("workload", "series")))


def _crossover(members: list[Pair], conditions: list[str], losses: set[int]) -> Crossover:
    pair = members[0]
    verdicts = dict.fromkeys(losses, LOSES) | {_value(one): one.verdict for one in members}
    stretches = _stretches(verdicts)
    return Crossover(
        family=_family(pair.before),
        stack=pair.before.fact("stack"),
        guest=pair.before.fact("guest"),
        conditions=", ".join(schema.phrases(pair.before.facts, conditions)),
        series=pair.before.fact("series"),
        baseline=pair.baseline,
        side=pair.side,
        parameter=pair.before.fact("parameter"),
        stretches=stretches,
        values=tuple(sorted(verdicts)),
        kind=pair.after.kind,
        intervals=tuple(_intervals(members, {first for _, first, _ in stretches})),
        assumed=max(_assumed(members), default=None),
    )


def _value(pair: Pair) -> int:
    return int(pair.before.fact("parameter_value"))


def _stretches(verdicts: Mapping[int, str]) -> tuple[tuple[str, int, int], ...]:
    stretches: list[tuple[str, int, int]] = []
    for value, verdict in sorted(verdicts.items()):
        if stretches and stretches[-1][0] == verdict:
            stretches[-1] = (verdict, stretches[-1][1], value)
        else:
            stretches.append((verdict, value, value))
    return tuple(stretches)


def _intervals(members: list[Pair], values: set[int]) -> Iterator[tuple[int, float, float]]:
    """The intervals of the speed ratio at *values*."""
    for pair in sorted(members, key=_value):
        judged = pair.judged
        if _value(pair) in values and judged and judged.low and judged.high:
            yield _value(pair), judged.low, judged.high


def _assumed(members: list[Pair]) -> Iterator[float]:
    for pair in members:
        for row in pair.rows:
            if row.fact("assumed") is not None:
                yield float(row.fact("assumed"))
