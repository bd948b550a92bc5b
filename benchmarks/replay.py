"""
The time and the memory of `pvbench replay` for many sends, with all senders.

    python benchmarks/replay.py --sends 10000000

The sends are those of benchmarks/recording.py: as a recording with the masks of
--distinct, and as a text of `trace-cmd report`.  With --trace-dat FILE, `trace-cmd report`
alone prints that file, and a replay reads it.  The memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter
from typing import Final

import numpy as np

import recording as traces
from pvbench.recording import stored
from pvbench.recording.bursts import Bursts, Call
from pvbench.recording.recording import Recording
from pvbench.recording.sets import CpuSets, distinct

_CPUS: Final = 64
_KILO: Final = 1000
_CALLS: Final = (
    Call(kind="reschedule", callsite="wakeup_preempt+0x37", function="0x0"),
    Call(kind="single", callsite="ttwu_queue_wakelist+0xdd", function="f+0x0"),
    Call(kind="many", callsite="on_each_cpu_cond_mask+0x24", function="f", one_target=False),
)


def storm(sends: int, masks: int) -> Recording:
    """A recording in which every third send is to one of *masks* distinct masks."""
    random = np.random.default_rng(1)
    one = np.uint64(1) << np.arange(_CPUS, dtype=np.uint64)
    many = random.integers(1, 1 << 63, masks, dtype=np.uint64)
    table, index = distinct(CpuSets(np.concatenate([one, many]).reshape(-1, 1)))
    call = random.integers(0, len(_CALLS), sends, dtype=np.uint16)
    source = random.integers(0, _CPUS, sends, dtype=np.uint16)
    other = (source + random.integers(1, _CPUS, sends, dtype=np.uint16)) % _CPUS
    place = np.where(call == len(_CALLS) - 1, random.integers(_CPUS, len(index), sends), other)
    return Recording(
        producer="a benchmark",
        cpus=_CPUS,
        clock="ns",
        times="real",
        sets=table,
        calls=_CALLS,
        sent=Bursts(
            time=np.arange(sends) * _KILO,
            source=source,
            targets=index[place].astype(np.uint32),
            call=call,
        ),
    )


def timed(what: str, command: Sequence[str | Path]) -> None:
    """Run *command*; print how long it takes, and the memory of the largest process so far."""
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = perf_counter() - start
    used = getrusage(RUSAGE_CHILDREN)
    print(
        f"{what:<34} {seconds:8.1f} s  {used.ru_maxrss / _KILO:8.0f} MB  "
        f"{used.ru_utime + used.ru_stime:8.1f} CPU s so far",
        flush=True,
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--sends", type=int, default=10_000_000)
    parser.add_argument("--distinct", type=int, help="masks of the recording (a third)")
    parser.add_argument("--trace-dat", metavar="FILE", help="file of trace-cmd")
    options = parser.parse_args(arguments)
    replay = [sys.executable, "-m", "pvbench", "replay", "-q"]
    with tempfile.TemporaryDirectory() as folder:
        file, text = Path(folder) / "storm.recording", Path(folder) / "trace.txt"
        masks = options.distinct or max(1, options.sends // 3)
        stored.write(storm(options.sends, masks), file)
        timed("replay of a recording", [*replay, file])
        with text.open("w") as lines:
            lines.writelines(traces.text(options.sends, Random(1)))  # noqa: S311
        timed("replay of a text", [*replay, text])
    if options.trace_dat:
        timed("trace-cmd report", ["trace-cmd", "report", options.trace_dat])
        timed("replay of it", [*replay, options.trace_dat])
    return 0


if __name__ == "__main__":
    sys.exit(main())
