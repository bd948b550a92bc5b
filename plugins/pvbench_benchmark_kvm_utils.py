"""
The lines that ipi_bench of kvm-utils prints to the kernel log.

"call" is the time of one call, and "ipi" the time until the function ran, which is 0 if the
call does not wait for it.

Source: github.com/bytedance/kvm-utils, microbenchmark/ipi-bench/ipi_bench.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import median
from typing import Final

import attrs

from pvbench.benchmark_text import BenchmarkText, Measured, TestTime
from pvbench.hookspecs import hookimpl
from pvbench.text import shortened_list

pvbench_api = 1

_CPU: Final = r"CPU \[ {0,4}([0-9]{1,5})\] \[NODE(-?[0-9]{1,4})\]"
_LINE: Final = re.compile(
    rf"ipi_bench: (?:"
    rf"(?P<group>throughput|prepare)\b|"
    rf"{_CPU} -> (?:{_CPU}|(?P<all>all CPUs)), wait \[(?P<wait>[0-9])\], loops \[[0-9]+\]"
    r"[^\n]{0,300}? AVG call \[(?P<call>[0-9]{1,18})\]"
    r"(?:, ipi \[(?P<ipi>[0-9]{1,18})\])? in ns)"
)
_LOCK: Final = (
    "broadcast-lock stands for all-ipi, whose handlers take a lock unless the module was "
    "loaded with lock=0, which the text does not tell"
)
_MOST_ROUTES: Final = 4


@attrs.frozen
class Line:
    """One line of results: from which CPU to which, the test, and its times; 0 is unknown."""

    route: str
    test: str
    call_ns: int
    ipi_ns: int


def lines(text: str) -> int:
    """See `BenchmarkText`."""
    return sum(match["group"] is None for match in _LINE.finditer(text))


def read(text: str) -> Measured:
    """See `BenchmarkText`."""
    times: dict[tuple[str, str], list[float]] = {}
    routes: dict[str, dict[str, None]] = {}
    for name, members in _tests(text):
        routes.setdefault(name, {}).update(dict.fromkeys(line.route for line in members))
        for series, values in (
            ("wall", [line.call_ns for line in members]),
            ("deliver", [line.ipi_ns for line in members if line.ipi_ns]),
        ):
            if values:
                times.setdefault((name, series), []).append(median(values) / 1e9)
    caveats = [f"{name}: {shortened_list(each, _MOST_ROUTES)}" for name, each in routes.items()]
    if any(name.startswith("broadcast-lock") for name in routes):
        caveats.append(_LOCK)
    return Measured(times=TestTime.of_tests(times), caveats=caveats)


def _tests(text: str) -> Iterator[tuple[str, list[Line]]]:
    """Each test with its lines: one, or those of CPUs that sent at the same time."""
    group: list[Line] = []
    for match in _LINE.finditer(text):
        if match["group"] == "throughput":  # it ends the lines of a mesh or of broadcasts
            yield from _together(group)
            group = []
        elif match["group"]:  # before the lines of another test
            yield from ((line.test, [line]) for line in group)
            group = []
        else:
            group.append(_line(match))
    yield from ((line.test, [line]) for line in group)


def _together(group: list[Line]) -> Iterator[tuple[str, list[Line]]]:
    if group:
        first = group[0].test
        yield (first if len(group) == 1 else f"{first}-of-{len(group)}"), group


def _line(match: re.Match[str]) -> Line:
    source, node, target, other_node = match.groups()[1:5]
    to = "all CPUs" if match["all"] else f"CPU {target} (node {other_node})"
    test = "broadcast-lock" if match["all"] else "normal-ipi"
    if source == target:
        test = "self-ipi"
    waits = match["wait"] != "0"
    return Line(
        route=f"CPU {source} (node {node}) to {to}",
        test=test if waits else f"{test}-nowait",
        call_ns=int(match["call"]),
        ipi_ns=int(match["ipi"] or 0),
    )


@hookimpl
def pvbench_benchmarks() -> list[BenchmarkText]:
    """See `pvbench.hookspecs.pvbench_benchmarks`."""
    return [
        BenchmarkText(
            name="kvm-utils",
            title="ipi_bench of kvm-utils",
            summary="lines of ipi_bench of kvm-utils, from dmesg",
            lines=lines,
            read=read,
        )
    ]
