"""
The lines that Norov's ipi_benchmark prints to the kernel log, as people paste them.

The first number is the time until the function ran, 0 where it is unknown, and the second
one the time of the call, both in ns for 100000 iterations.

Source: Yury Norov, "IPI performance benchmark" (2017), lkml.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pvbench.document import Document, Table
from pvbench.errors import UsageError
from pvbench.format import Format
from pvbench.hookspecs import hookimpl

pvbench_api = 1

_ITERATIONS: Final = 100_000
_NAMES: Final = {
    "dry-run": "Dry-run",
    "self-ipi": "Self-IPI",
    "normal-ipi": "Normal IPI",
    "broadcast": "Broadcast IPI",
    "broadcast-lock": "Broadcast lock",
}
Times = dict[tuple[str, str], float]  # by workload and series, seconds


def render(document: Document, width: int) -> str:
    """A line for each of the five tests, below a line with the stack and the guest."""
    groups: dict[str, Times] = {}
    for facts, kind, value_s in _series(document):
        head = f"# {facts['stack']} on {facts['guest']}, {kind}, {_ITERATIONS} iterations"
        groups.setdefault(head, {})[facts["workload"], facts["series"]] = value_s
    if not any(set(_NAMES) & {workload for workload, _ in times} for times in groups.values()):
        raise UsageError(
            "this output has no test of ipi_benchmark", fix="Use it with `pvbench show`."
        )
    return "\n".join(line for head, times in groups.items() for line in (head, *_lines(times)))


def _series(document: Document) -> Iterator[tuple[dict[str, Any], str, float]]:
    """Facts, kind and time of each series of a run."""
    for block in document.blocks:
        if isinstance(block, Table) and block.name == "series":
            keys = [column.key for column in block.columns]
            for row in block.rows:
                values = {key: cell.value for key, cell in zip(keys, row, strict=True)}
                yield values[""], values["kind"], values["value_s"]


def _lines(times: Times) -> Iterator[str]:
    for workload, name in _NAMES.items():
        if (call_s := times.get((workload, "wall"))) is not None:
            deliver = _total_ns(times.get((workload, "deliver"), 0))
            yield f"{name}:{deliver:>{32 - len(name)}}, {_total_ns(call_s):>19} ns"


def _total_ns(time_s: float) -> int:
    return round(time_s * 1e9 * _ITERATIONS)


@hookimpl
def pvbench_formats() -> list[Format]:
    return [
        Format(name="norov", summary="the kernel log of Norov's ipi_benchmark", render=render)
    ]
