"""Crossovers: the parameters of a workload family at which the verdict changes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import attrs

from pvbench.compare.pairs import CHANGES, Pair, conditions_of
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

    @property
    def is_changed(self) -> bool:
        """Whether a member of the family is faster or slower."""
        return any(verdict in CHANGES for verdict, _, _ in self.stretches)


def crossovers(pairs: Sequence[Pair]) -> list[Crossover]:
    """One crossover for each workload family with more than one member."""
    families: dict[tuple[Any, ...], list[Pair]] = {}
    conditions = conditions_of(pairs)
    for pair in pairs:
        if pair.before.fact("family") and pair.verdict:
            key = (_family(pair.before), pair.baseline, pair.side)
            families.setdefault((*key, pair.before.key(("workload",))), []).append(pair)
    return [
        _crossover(members, conditions) for members in families.values() if len(members) > 1
    ]


def _family(row: Row) -> str:
    return f"{row.fact('family')} {row.fact('variant') or ''}".strip()


def _crossover(members: list[Pair], conditions: list[str]) -> Crossover:
    pair = members[0]
    return Crossover(
        family=_family(pair.before),
        stack=pair.before.fact("stack"),
        guest=pair.before.fact("guest"),
        conditions=", ".join(schema.phrases(pair.before.facts, conditions)),
        series=pair.before.fact("series"),
        baseline=pair.baseline,
        side=pair.side,
        parameter=pair.before.fact("parameter"),
        stretches=_stretches(members),
    )


def _stretches(pairs: list[Pair]) -> tuple[tuple[str, int, int], ...]:
    values = [(int(pair.before.fact("parameter_value")), pair.verdict) for pair in pairs]
    stretches: list[tuple[str, int, int]] = []
    for value, verdict in sorted(values, key=itemgetter(0)):
        if stretches and stretches[-1][0] == verdict:
            stretches[-1] = (verdict, stretches[-1][1], value)
        else:
            stretches.append((verdict, value, value))
    return tuple(stretches)
