"""Where the verdict changes along the parameter of a workload family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from pvbench.compare.pairs import Pair, conditions_of
from pvbench.results import schema


@attrs.frozen(kw_only=True)
class Crossover:
    """
    How two sides compare along the parameter of a workload family.

    Args:
        stack: the baseline's; its side is called otherwise unless senders are compared.
        conditions: what else tells it from other crossovers: targets, shorthands.
        stretches: verdict, first and last value asked for, in order.
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


def crossovers(pairs: Sequence[Pair]) -> list[Crossover]:
    """The verdicts of each family with more than one member, where they change."""
    groups: dict[tuple[Any, ...], list[Pair]] = {}
    telling = conditions_of(pairs)
    for pair in pairs:
        row = pair.before
        if row.fact("family"):
            family = f"{row.fact('family')} {row.fact('variant') or ''}".strip()
            key = (family, pair.baseline, pair.side, row.key(("workload",)))
            groups.setdefault(key, []).append(pair)
    return [
        Crossover(
            family=key[0],
            stack=members[0].before.fact("stack"),
            guest=members[0].before.fact("guest"),
            conditions=", ".join(schema.phrases(members[0].before.facts, telling)),
            series=members[0].before.fact("series"),
            baseline=members[0].baseline,
            side=members[0].side,
            parameter=members[0].before.fact("parameter"),
            stretches=_stretches(members),
        )
        for key, members in groups.items()
        if len(members) > 1
    ]


def _stretches(pairs: list[Pair]) -> tuple[tuple[str, int, int], ...]:
    found: list[tuple[str, int, int]] = []
    for pair in sorted(pairs, key=lambda pair: int(pair.before.fact("parameter_value"))):
        value = int(pair.before.fact("parameter_value"))
        if found and found[-1][0] == pair.verdict:
            found[-1] = (pair.verdict, found[-1][1], value)
        else:
            found.append((pair.verdict, value, value))
    return tuple(found)
