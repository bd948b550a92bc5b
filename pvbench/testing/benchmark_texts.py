"""The check that the text of a benchmark is read, the same each time, and no other text."""

from __future__ import annotations

from collections.abc import Mapping

from pvbench.benchmark_text import BenchmarkText
from pvbench.testing.cases import attempt, check_offer, fail


def check_benchmark_text(
    benchmark: BenchmarkText, text: str, times: Mapping[tuple[str, str], float]
) -> None:
    """
    Check *benchmark* with a text of its form.

    Args:
        benchmark: what a plugin offers.
        text: as the benchmark prints it.
        times: the first value of each workload and series, in the unit of the text.

    Raises:
        AssertionError: a check fails.
    """
    check_offer("benchmark", benchmark)
    if attempt(benchmark.name, "lines()", benchmark.lines, text) <= 0:
        fail(benchmark.name, "it does not know the text")
    if attempt(benchmark.name, "lines()", benchmark.lines, "another text\n") != 0:
        fail(benchmark.name, "it claims to know any text")
    first, second = (attempt(benchmark.name, "read()", benchmark.read, text) for _ in range(2))
    if first != second:
        fail(benchmark.name, "two calls read different times")
    values = {(time.workload, time.series): time.values[0] for time in first.times}
    for test, value in times.items():
        if abs(values.get(test, 0) / value - 1) > 1e-9:
            fail(benchmark.name, f"{' '.join(test)} is {values.get(test)}, not {value}")
    if others := sorted(set(values) - set(times)):
        fail(benchmark.name, f"it also reads {' '.join(others[0])}")
