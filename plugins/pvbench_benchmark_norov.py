"""
The lines that Norov's ipi_benchmark prints to the kernel log, in dmesg or quoted in mails.

The first number is the time until the function ran, 0 where the module does not measure it,
and the second one the time of the calls, both in ns for 100000 iterations.  Two variants of
the module are in use: one has the tests "Local IPI" and "Remote IPI" and does not wait until
the function has run, and one prints all totals of a test in one line.

Source: Yury Norov, "IPI performance benchmark" (2017), lkml.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from pvbench.benchmark_text import BenchmarkText, Measured, TestTime
from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl

pvbench_api = 1

_ITERATIONS: Final = 100_000
_WORKLOADS: Final = {
    "dry run": "dry-run",
    "self ipi": "self-ipi",
    "normal ipi": "normal-ipi",
    "local ipi": "local-ipi",
    "remote ipi": "remote-ipi",
    "broadcast ipi": "broadcast",
    "broadcast lock": "broadcast-lock",
}
_VARIANT: Final = {"local-ipi", "remote-ipi"}  # whose module does not wait
_WAITING: Final = {"self-ipi", "broadcast"}  # in Norov's own module
_TEST: Final = (
    r"(?<!\w)(?P<test>Dry[- ]run|(?:Self[- ]|Normal |Local |Remote )IPI|Broadcast (?:IPI|lock))"
)
_GAP: Final = r"[\s>|]{0,80}+"  # a mail program may have broken the line
_LINE: Final = re.compile(
    rf"{_TEST}:{_GAP}(?P<first>[0-9]{{1,20}}),{_GAP}(?P<second>[0-9]{{1,20}}){_GAP}ns\b"
)
_TOTALS: Final = re.compile(
    r"(?<!\w)Type: (?P<test>[\w -]{1,20}), result: (?P<totals>[0-9+]{1,9999})"
)
_FAILED: Final = re.compile(rf"{_TEST} FAILED: (?P<error>-?[0-9]{{1,10}})")
# What may stand between two results that were measured under the same conditions.
_LOG: Final = re.compile(
    r"(?:<[0-9]+>)?\[ *[0-9]+\.[0-9]+\]|.{0,80}? kernel: |insmod: |modprobe: "
)
_NOT_WAITING: Final = (
    "the variant with the tests Local IPI and Remote IPI does not wait until the function has "
    "run, so its tests are none of pvbench's, and their names end in -nowait"
)
_ASSUMED: Final = "100000 iterations are assumed, as the module has"
Times = dict[tuple[str, str], list[float]]  # by workload and series, seconds


def lines(text: str) -> int:
    """See `BenchmarkText`."""
    return sum(1 for _ in _results(text))


def _results(text: str) -> Iterator[re.Match[str]]:
    """Each result, in both of its forms."""
    return itertools.chain(_LINE.finditer(text), _TOTALS.finditer(text))


def read(text: str) -> Measured:
    """
    See `BenchmarkText`.

    Raises:
        UsageError: the text has several results, between which conditions may have changed.
    """
    times: Times = {}
    for workload, series, total_ns in _totals(text):
        if total_ns:  # 0 is unknown
            times.setdefault((workload, series), []).append(total_ns / 1e9 / _ITERATIONS)
    if any(len(values) > 1 for values in times.values()):
        _check_between(text)
    is_variant = any(workload in _VARIANT for workload, _ in times)
    named = {(_name(test, is_variant), series): each for (test, series), each in times.items()}
    return Measured(
        times=TestTime.of_tests(named),
        caveats=[_ASSUMED, *[_NOT_WAITING][:is_variant], *_failures(text)],
    )


def _name(workload: str, is_variant: bool) -> str:
    has_other_rules = is_variant and workload in _VARIANT | _WAITING
    return f"{workload}-nowait" if has_other_rules else workload


def _totals(text: str) -> Iterator[tuple[str, str, int]]:
    """Workload, series and the time of all iterations in ns."""
    for match in _LINE.finditer(text):
        workload = _workload(match["test"])
        yield workload, "wall", int(match["second"])
        yield workload, "deliver", int(match["first"])
    for match in _TOTALS.finditer(text):
        if workload := _workload(match["test"]):
            for total in re.findall("[0-9]{1,20}", match["totals"]):
                yield workload, "wall", int(total)


def _workload(test: str) -> str:
    """The workload of a test; empty for a test that no variant has."""
    return _WORKLOADS.get(test.lower().replace("-", " "), "")


def _check_between(text: str) -> None:
    """Refuse prose between results: it may name the conditions in which they differ."""
    spans = sorted(match.span() for match in _results(text))
    for (_, end), (begin, _) in itertools.pairwise(spans):
        between = (line.strip(" \t>|") for line in text[end:begin].splitlines())
        if prose := next((line for line in between if line and not _LOG.match(line)), ""):
            raise UsageError(
                "a test has several results, with other text between them",
                why=f"the conditions may differ: {prose[:60]!r}",
                fix="Cut the text into one file for each result.",
            )


def _failures(text: str) -> Iterator[str]:
    for match in _FAILED.finditer(text):
        yield f"the test {match['test']} failed with error {match['error']}"


@hookimpl
def pvbench_benchmarks() -> list[BenchmarkText]:
    """See `pvbench.hookspecs.pvbench_benchmarks`."""
    return [
        BenchmarkText(
            name="ipi-benchmark",
            title="Norov's ipi_benchmark",
            summary="lines of Norov's ipi_benchmark, from dmesg or quoted in a mail",
            lines=lines,
            read=read,
        )
    ]
