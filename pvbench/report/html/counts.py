"""A chart of the counts of one burst: ICR writes and hypercalls of each stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pvbench.report.html.figure import Figure, Record, Spec, axis, chart, named
from pvbench.results.rows import Row

_COUNTS: Final = {"icr_writes": "ICR writes", "hypercalls": "hypercalls"}
_MOST_CASES: Final = 10
_GROUP: Final = ("workload", "guest", "target_state", "shorthands")
_COLOURS: Final = ("#56b4e9", "#0072b2")  # apart in grey too


def figures(rows: Sequence[Row]) -> Iterator[Figure]:
    """A chart of the cases in which the stacks differ most."""
    groups: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        if row.fact("targets") and row.fact("icr_writes") is not None:
            stacks = groups.setdefault(tuple(map(row.fact, _GROUP)), {})
            stacks.setdefault(str(row.fact("stack")), row)
    several = [stacks for stacks in groups.values() if len(stacks) > 1]
    chosen = sorted(several, key=_difference, reverse=True)[:_MOST_CASES]
    if chosen:
        yield _figure([row for stacks in chosen for row in stacks.values()])


def _difference(stacks: dict[str, Row]) -> float:
    totals = [sum(_count(row, name) for name in _COUNTS) for row in stacks.values()]
    return max(totals) - min(totals)


def _count(row: Row, name: str) -> float:
    return float(row.fact(name) or 0)


def _figure(rows: list[Row]) -> Figure:
    guests = {row.fact("guest") for row in rows}
    records = [record for row in rows for record in _records(row, several=len(guests) > 1)]
    return Figure(
        title="Counts of one burst",
        note="Each ICR write and each hypercall can cause an exit to the hypervisor. The "
        "cases are those in which the stacks differ most.",
        spec=_spec(records),
        records=records,
    )


def _records(row: Row, *, several: bool) -> Iterator[Record]:
    guest = f" {row.fact('guest')}" if several else ""
    case = f"{row.fact('workload')}{guest}, {row.fact('stack')}"
    for name, words in _COUNTS.items():
        if count := _count(row, name):
            text = f"{case}: {count:g} {words}"
            yield {"case": case, "series": words, "count": count, "text": text}


def _spec(records: list[Record]) -> Spec:
    names = list(_COUNTS.values())
    x = axis("count", "number for one burst", scale={"zero": True})
    y: Spec = {"field": "case", "type": "nominal", "sort": None, "title": None}
    scale = {"domain": names, "range": list(_COLOURS)}
    colour: Spec = {"field": "series", "type": "nominal", "scale": scale}
    label = {"align": "left", "dx": 4, "aria": False, "type": "text"}
    return chart(
        records,
        {
            "mark": {"type": "bar"},
            "encoding": {"x": x | {"stack": "zero"}, "y": y, "color": colour, **named()},
        },
        {
            "mark": label,
            "transform": [
                {
                    "aggregate": [{"op": "sum", "field": "count", "as": "total"}],
                    "groupby": ["case"],
                }
            ],
            "encoding": {
                "x": {"field": "total", "type": "quantitative"},
                "y": y,
                "text": {"field": "total", "type": "quantitative"},
            },
        },
        height={"step": 18},
        width=300,
    )
