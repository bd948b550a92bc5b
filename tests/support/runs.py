"""Builders for tests of runs, result files and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pyperf
import pytest

from pvbench.cli import main
from pvbench.host import name as host_name
from pvbench.ops import Burst
from pvbench.results.rows import Row
from pvbench.run.prepared import Prepared, prepare
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench.suite import Case
from support.helpers import DEADLINE_S, FIRST_PV, bundled, guest_of, stack_of

# Where runs without a file of their own go.
HOST_FOLDER = Path("results") / host_name.name()
# Plugins installed on this machine play no part.
ONLY_BUNDLED = ("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")
# Lines long enough for every sentence; tests/pvbench/cli/test_widths.py has the short ones.
WIDE = 1000
# What a file of a modelled broadcast says of each series.
FACTS: dict[str, Any] = {
    "format": 1,
    "version": "0.1.0",
    "suite": "norov",
    "suite_version": 1,
    "guest": "dense:80",
    "apic_ids": "0-79",
    "vcpus": 80,
    "guest_bits": 64,
    "host_cpus": 80,
    "apic_mode": "x2apic",
    "linux": "4.19",
    "shorthands": "no",
    "target_state": "halted",
    "target_state_proved": "halted",
    "delivery": "model",
    "site": "local",
    "costs": "skylake-2018",
    "costs_sha256": "1e95a277" + 56 * "0",
    "clock": "model",
    "exactness": "exact",
    "targets": 79,
    "lost": 0,
    "overlaid": "yes",
    "icr_writes": 79.0,
    "hypercalls": 0.0,
    "series": "wall",
    "statistic": "median",
}


@attrs.frozen
class Output:
    """A finished command, with its exit status and its output."""

    status: int
    out: str
    err: str


Cli = Callable[..., Output]
AddPlugin = Callable[[str, str], str]


def call(*arguments: str, columns: int = WIDE) -> Output:
    """Run a command in this process, as in a terminal of that many columns."""
    out, err = io.StringIO(), io.StringIO()
    printed = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with printed[0], printed[1], pytest.MonkeyPatch.context() as patch:
        patch.setenv(*ONLY_BUNDLED)
        patch.setenv("COLUMNS", str(columns))
        try:
            status = main.main(arguments)
        except SystemExit as ended:  # argparse ends so
            status = int(ended.code or 0)
    return Output(status, out.getvalue(), err.getvalue())


def run_to(path: Path, *arguments: str) -> Output:
    """Run a suite into *path*, quietly and fast."""
    return call("run", "norov", "--fast", "-q", "-o", str(path), *arguments)


def command(*arguments: str) -> list[str]:
    """Argument vector of the installed command."""
    return [str(Path(sys.executable).with_name("pvbench")), *arguments]


def buffered() -> dict[str, str]:
    """The environment, standard output buffered as a user's is."""
    name, value = ONLY_BUNDLED
    return {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"} | {name: value}


def console(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a process of its own."""
    options = {"stdout": subprocess.PIPE, "env": buffered(), **options}
    return subprocess.run(
        command(*arguments),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        **options,
    )


def wait_for(fifo: Path, run: subprocess.Popen[str]) -> None:
    """Return once a process writes to *fifo*; fail if *run* ends instead."""
    reading, ending = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), os.pidfd_open(run.pid)
    try:
        readable, _, _ = select.select([reading, ending], [], [], DEADLINE_S)
    finally:
        os.close(reading)
        os.close(ending)
    if readable != [reading]:
        run.kill()
        pytest.fail(
            f"the run ended before anybody wrote to {fifo.name}: {run.communicate()[1]}"
        )


def row_of(workload: str, stack: str, *boots_s: float, **facts: Any) -> Row:
    """One series as reports see it; any clock but the model's is noisy."""
    if facts.get("clock") not in (None, "model"):
        facts = {"exactness": "noisy"} | facts
    overlay, _, driver = stack.rpartition("/")
    defaults = FACTS | {
        "workload": workload,
        "stack": stack,
        "sender": overlay or "native",
        "driver": driver,
        "sender_plugin": "pvbench 0.1.0",
        "delivery_plugin": "pvbench 0.1.0",
    }
    present = {k: v for k, v in (defaults | facts).items() if v is not None}
    name = f"{present['suite']}.{workload} {stack} {present['guest']} {present['costs']}"
    return Row(name=f"{name} {present['series']}", facts=present, boots_s=boots_s)


def suite_of(*rows: Row) -> pyperf.BenchmarkSuite:
    """A pyperf suite with these rows, one run for each boot."""
    return pyperf.BenchmarkSuite([_benchmark(row) for row in rows])


def _benchmark(row: Row) -> pyperf.Benchmark:
    metadata = {f"pvbench_{k}": v for k, v in row.facts.items()}
    metadata |= {"name": row.name, "unit": "second"}
    numbers = [{"pvbench_boot": number} for number in row.boots] or [{}] * len(row.boots_s)
    return pyperf.Benchmark(
        [
            pyperf.Run([value], metadata=metadata | number, collect_metadata=False)
            for value, number in zip(row.boots_s, numbers, strict=True)
        ]
    )


def file_of(path: Path, *rows: Row) -> str:
    """A result file with these rows; its name."""
    suite_of(*rows).dump(str(path), replace=True)
    return str(path)


def case_of(
    stack: str, *bursts: Burst, cpus: int = 4, workload: str = "broadcast", **facts: Any
) -> Case:
    """A case of the model on a small guest."""
    chosen = stack_of(stack)
    defaults: dict[str, Any] = {
        "suite": "norov",
        "suite_version": 1,
        "workload": bundled().workload(workload),
        "guest": chosen.guest(guest_of(range(cpus))),
        "linux": FIRST_PV,
        "target_state": "halted",
        "delivery": "model",
        "site": "local",
        "costs": "skylake-2018",
    }
    return Case(**(defaults | facts), stack=chosen, bursts=bursts)


def broadcast(source: int = 0, cpus: int = 4) -> Burst:
    """A function call of one CPU to all others."""
    others = tuple(cpu for cpu in range(cpus) if cpu != source)
    return Burst(source=source, operation="smp_call_function_many", targets=others)


def prepared_of(stack: str = "x2apic-physical", **facts: Any) -> Prepared:
    """A checked broadcast of CPU 0 in a guest of four."""
    return prepare(case_of(stack, broadcast(), **facts))


def bursts_of(median: int) -> Distribution:
    """Five bursts; their mean is 10 above the median, and the rest is 50 to 100 from it."""
    return Distribution.of([median - 50, median - 50, median, median + 50, median + 100])


def slice_result_of(loops: int = 10, **changes: Any) -> SliceResult:
    """The result of a correct delivery for `prepared_of`: 3 writes, 3 handlers a loop."""
    handlers = (0, loops, loops, loops)
    counts: dict[str, Any] = {
        "icr_writes": 3 * loops,
        "hypercalls": 0,
        "returned": 0,
        "handlers": handlers,
        "coalesced": (0, 0, 0, 0),
        "functions": handlers,
    }
    defaults: dict[str, Any] = {"distributions": {"wall": bursts_of(2_000)}}
    for name in counts.keys() & changes.keys():
        counts[name] = changes.pop(name)
    return SliceResult(loops=loops, counts=Counts(**counts), **(defaults | changes))


def journal_of(results: Path) -> list[dict[str, Any]]:
    """The lines of a run's journal, in order, but not its command: that names files."""
    lines = results.with_suffix(".jsonl").read_text().splitlines()
    return [entry for line in lines if "command" not in (entry := json.loads(line))]
