"""Numbers of a cost profile that the user sets for one run, as a sweep does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from pvbench.errors import unknown
from pvbench_deliver_model.cost_profile import COSTS, RATIOS, Cost, CostProfile

SET: Final = "set by the user"  # the confidence of such a number
_LISTING: Final = "The file of a cost profile has their names, costs.icr_write for one."
_NAMES: Final = (*(f"costs.{name}" for name in COSTS), *(f"ratios.{name}" for name in RATIOS))


def content_with(data: dict[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """
    The content of a valid cost profile with other *values*, in the units that it has.

    Raises:
        UsageError: a cost profile has no such number.
    """
    changed = data | {table: dict(data[table]) for table in ("costs", "ratios")}
    for name, value in values.items():
        if name not in _NAMES:
            raise unknown("number of a cost profile", name, _NAMES, _LISTING)
        table, _, field = name.partition(".")
        changed[table][field] = changed[table][field] | {"value": value}
    return changed


def bytes_of(values: Mapping[str, float]) -> bytes:
    """Bytes that tell *values* apart, for a hash."""
    return json.dumps(dict(values), sort_keys=True).encode()


def marked(
    profile: CostProfile, data: Mapping[str, Any], values: Mapping[str, float]
) -> CostProfile:
    """*profile*, made of the content *data*, which says that *values* are the user's."""
    tables = {"costs": dict(profile.costs), "ratios": dict(profile.ratios)}
    for name in values:
        table, _, field = name.partition(".")
        unit = data[table][field]["unit"]
        source = f"{SET} (--sweep)" + (f", in {unit}" if table == "costs" else "")
        ps = tables[table][field].ps
        tables[table][field] = Cost(ps=ps, confidence=SET, source=source)
    return attrs.evolve(profile, costs=tables["costs"], ratios=tables["ratios"])


def notes(profile: CostProfile) -> Iterator[str]:
    """A sentence for each number that the user set."""
    for table, costs in (("costs", profile.costs), ("ratios", profile.ratios)):
        for name, cost in costs.items():
            if cost.confidence == SET:
                yield f"{table}.{name} is {cost.source}."
