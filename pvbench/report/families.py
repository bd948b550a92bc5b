"""The families of workloads in a run: rows that differ in one parameter and in the stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pvbench.results import schema
from pvbench.results.rows import Row

# A chart has a line for each stack, and a point for each value of the parameter.
_INSIDE = {"workload", "sender", "driver", "apic_mode"}


def families(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows with times of each family that has several members, in one guest each."""
    axes = [axis for axis in schema.axes() if axis not in _INSIDE]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row.fact("family") and row.fact("parameter_value") and row.has_times:
            names = (row.fact("family"), row.fact("variant"))
            key = (*names, *map(row.fact, axes))
            groups.setdefault(key, []).append(row)
    return [group for group in groups.values() if len(values(group)) > 1]


def values(rows: Iterable[Row]) -> list[int]:
    """The values of the parameter, ascending."""
    return sorted({int(row.fact("parameter_value")) for row in rows})


def name(rows: Sequence[Row]) -> str:
    """The name of a family with its variant."""
    return " ".join(filter(None, (rows[0].fact("family"), rows[0].fact("variant"))))
