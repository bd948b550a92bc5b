"""
Time and memory of `pvbench compare` and `show` on large files, beside pyperf's own.

The files have 500, 1 000 and 2 000 series of ten boots, as two sides of a session of
`pvbench ab` on a noisy clock, so that every pair is judged.  Of 2 000 series, `compare`
takes below 5 s and 300 MB, and `show` below 2 s; both are linear in the number of series.
The limits are of CPU time, which is what a command takes on a quiet machine.

    python benchmarks/compare_size.py
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyperf

from pvbench.results import files, schema

SIZES: Final = (500, 1_000, 2_000)
BOOTS: Final = 10
SERIES: Final = ("send", "irqoff", "ack", "wall")
COMPARE_S, COMPARE_MB, SHOW_S = 5, 300, 2
FACTS: Final = {
    "format": 1,
    "version": "0.1.0",
    "suite": "large",
    "suite_version": 1,
    "guest": "dense:80",
    "apic_ids": "0-79",
    "apic_mode": "x2apic",
    "vcpus": 80,
    "guest_bits": 64,
    "target_state": "halted",
    "linux": "4.19",
    "delivery": "kvm",
    "site": "local",
    "costs": "measured",
    "clock": "tsc",
    "exactness": "noisy",
    "targets": 79,
    "lost": 0,
    "overlaid": "yes",
    "sender_plugin": "pvbench 0.1.0",
    "delivery_plugin": "pvbench 0.1.0",
    **{f"host_fact_{number}": f"value {number}" for number in range(20)},
}


def main() -> int:
    """Print a line for each size and command; fail above the limits of the largest size."""
    print(f"{'series':>6}  {'command':<20}  {'CPU s':>6}  {'s':>6}  {'MB':>4}")
    is_slow = False
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            for name, limit_s, limit_mb, command in commands(Path(folder), size):
                cpu_s, wall_s, megabytes = cost(command, folder)
                numbers = f"{cpu_s:>6.2f}  {wall_s:>6.2f}  {megabytes:>4.0f}"
                print(f"{size:>6}  {name:<20}  {numbers}", flush=True)
                is_slow |= size == SIZES[-1] and (cpu_s > limit_s or megabytes > limit_mb)
    return int(is_slow)


def commands(folder: Path, size: int) -> Iterator[tuple[str, float, float, list[str]]]:
    """The commands about two files of *size* series, with their limits."""
    unlimited = float("inf")
    a, b = (write(folder / f"{side}.json", side, size) for side in "ab")
    own, of_pyperf = ([sys.executable, "-m", name] for name in ("pvbench", "pyperf"))
    compare = [*own, "compare", a, b, "--series", "all"]
    yield "pvbench compare", COMPARE_S, COMPARE_MB, compare
    yield "pvbench compare json", COMPARE_S, COMPARE_MB, [*compare, "--json"]
    yield "pvbench show", SHOW_S, COMPARE_MB, [*own, "show", a]
    yield "pyperf compare_to", unlimited, unlimited, [*of_pyperf, "compare_to", a, b]
    yield "pyperf show", unlimited, unlimited, [*of_pyperf, "show", a]


def write(path: Path, side: str, size: int) -> str:
    """A result file with *size* series."""
    noise = random.Random(side)  # noqa: S311 - the times of a benchmark
    benchmarks = [
        benchmark(case, series, side, noise)
        for case in range(size // len(SERIES))
        for series in SERIES
    ]
    files.write(pyperf.BenchmarkSuite(benchmarks), path)
    return str(path)


def benchmark(case: int, series: str, side: str, noise: random.Random) -> pyperf.Benchmark:
    """One series of one case."""
    workload, driver = f"fanout:{case}", "x2apic-physical"
    own = {
        "workload": workload,
        "series": series,
        "sender": "native",
        "driver": driver,
        "stack": driver,
        "family": "fanout",
        "parameter": "targets",
        "parameter_value": case,
        "icr_writes": 79.0,
        "hypercalls": 0.0,
        "exits": 79.0,
    }
    name = f"large.{workload} {driver} dense:80 halted linux-4.19 kvm@local measured {series}"
    metadata = {"name": name, "unit": "second"} | schema.stored(FACTS | own)
    return pyperf.Benchmark(
        [
            pyperf.Run(
                [1e-6 * noise.lognormvariate(0, 0.02) for _ in range(4)],
                metadata=metadata | schema.stored(of_boot(boot, side)),
                collect_metadata=False,
            )
            for boot in range(1, BOOTS + 1)
        ]
    )


def of_boot(boot: int, side: str) -> dict[str, Any]:
    """The facts of a boot, which belongs to a session of `pvbench ab`."""
    return {
        "boot": boot,
        "turn": boot,
        "target_state_proved": "halted",
        "ab_session": "one",
        "ab_side": side,
        "ab_first": "a",
        "mean_s": 1e-6,
        "p99_s": 2e-6,
        "maximum_s": 3e-6,
        "minimum_s": 1e-6,
        "histogram_ticks": " ".join(f"{boot}*{n}" for n in range(1, 41)),
        "ticks_per_second": 2_400_000_000,
    }


def cost(command: list[str], folder: str) -> tuple[float, float, float]:
    """The CPU time and the time of *command* in seconds, and its peak of memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 4):  # regressions and undecided pairs are no failure
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
