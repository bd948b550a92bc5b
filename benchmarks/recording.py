"""
The speed of reading a trace, and the memory of a recording.

    python benchmarks/recording.py --lines 10000000

A text of `trace-cmd report` is made first: one in ten lines sends to a mask, most of
which occur once or twice.  Beside pvbench, `wc -l` reads the same file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any, Final

from pvbench.plugin.loader import load as plugins
from pvbench.recording import stored
from pvbench.recording.load import Options, load
from pvbench.recording.recording import Recording

_CPUS: Final = 64
_CALLBACK: Final = "generic_smp_call_function_single_interrupt+0x0"
_UNICASTS: Final = (
    ("ttwu_queue_wakelist+0xdd", _CALLBACK),
    ("generic_exec_single+0x33", _CALLBACK),
    ("wakeup_preempt+0x37", "0x0"),
)
_MEGABYTE: Final = 1e6


def text(lines: int, random: Random) -> Iterator[str]:
    """The lines of a trace."""
    yield f"cpus={_CPUS}\n"
    masks = [_mask(random) for _ in range(max(1, lines // 30))]
    for number in range(lines):
        head = (
            f"          <idle>-0     [{random.randrange(_CPUS):03}] {1 + number * 3e-6:12.6f}: "
        )
        if random.random() < 0.1:
            target, name = f"cpumask={random.choice(masks)}", "ipi_send_cpumask:    "
            site, callback = "on_each_cpu_cond_mask+0x24", _CALLBACK
        else:
            target, name = f"cpu={random.randrange(_CPUS)}", "ipi_send_cpu:        "
            site, callback = random.choice(_UNICASTS)
        yield f"{head}{name} {target} callsite={site} callback={callback}\n"


def _mask(random: Random) -> str:
    cpus = sorted(random.sample(range(_CPUS), random.randint(2, 12)))
    return ",".join(map(str, cpus))


def timed(what: str, function: Callable[[], Any]) -> Any:
    """The result of *function*, whose time is printed."""
    start = perf_counter()
    result = function()
    print(f"{what:<34} {perf_counter() - start:8.1f} s", flush=True)
    return result


def measure(path: Path, processes: int) -> Recording:
    """Read the trace at *path*, and write and read its recording."""
    readers = plugins(own_only=True).table("reader")
    options = Options(processes=processes)
    subprocess.run(["wc", "-l", path], check=True, stdout=subprocess.DEVNULL)  # noqa: S607
    timed("wc -l", lambda: subprocess.check_output(["wc", "-l", path]))  # noqa: S607
    recording: Recording = timed("import", lambda: load([str(path)], readers, options))
    file = path.with_suffix(".recording")
    timed("write the recording", lambda: stored.write(recording, file))
    timed("read the recording", lambda: stored.read(file))
    print(f"{'size of the recording':<34} {file.stat().st_size / _MEGABYTE:8.1f} MB")
    return recording


def main(arguments: list[str] | None = None) -> int:
    """Print times and sizes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--processes", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.txt"
        with path.open("w") as file:
            file.writelines(text(options.lines, Random(0)))  # noqa: S311 - no secret
        recording = measure(path, options.processes)
    assert recording.sent.total == options.lines
    print(f"{'columns and sets in memory':<34} {recording.nbytes / _MEGABYTE:8.1f} MB")
    for name, who in (("this process", RUSAGE_SELF), ("each other process", RUSAGE_CHILDREN)):
        peak = getrusage(who).ru_maxrss * 1024 / _MEGABYTE
        print(f"{'most memory of ' + name:<34} {peak:8.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
