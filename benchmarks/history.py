"""
How long `pvbench history` takes over many files: when they are new, and with the index.

    python benchmarks/history.py --files 1000 --cases 10

The files have that many cases of ten boots on a noisy clock, and a step in one of them.  An
answer with the index should take under 2 s of a CPU, so that other load does not count;
beyond the limit the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

_LIMIT_S: Final = 2.0
_BOOTS: Final = 10
_HOST: Final = ("cpu_model", "nested", "virtualization", "smt", "governor", "turbo")
_EFFORT: Final = {"slices": 4.0, "loops": 100.0, "warmup": 10.0, "slice_s": 0.0}
_SHARED: Final[dict[str, Any]] = {
    "format": 1,
    "suite": "fanout",
    "suite_version": 1,
    "guest": "dense:80",
    "apic_ids": "0-79",
    "vcpus": 80,
    "stack": "x2apic-physical",
    "sender": "native",
    "driver": "x2apic-physical",
    "target_state": "halted",
    "delivery": "kvm",
    "site": "local",
    "clock": "tsc",
    "exactness": "noisy",
    "series": "wall",
    "statistic": "median",
    **{f"host_{name}": "some" for name in _HOST},
}


def write(folder: Path, files: int, cases: int) -> None:
    """Write result files with their journals, and the noise of their host."""
    numbers = random.Random(1)  # noqa: S311 - not for secrets
    metadata = {f"pvbench_{name}": value for name, value in _SHARED.items()}
    plan = json.dumps({"plan": {"format": 1, "boots": _BOOTS, "effort": _EFFORT}})
    for number in range(files):
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(1_700_000_000 + 3600 * number))
        revision = {"pvbench_git": f"{number:012x}"}
        content = {
            "benchmarks": [
                _benchmark(case, number >= files // 2, numbers) for case in range(cases)
            ],
            "metadata": metadata | revision | {"unit": "second", "loops": 10},
            "version": "1.0",
        }
        (folder / f"{stamp}-fanout.json").write_text(json.dumps(content) + "\n")
        (folder / f"{stamp}-fanout.jsonl").write_text(f"{plan}\n")
    host = dict.fromkeys(_HOST, "some")
    line = {"format": 1, "kind": "runs", "host": host, "effort": _EFFORT, "boots": _BOOTS}
    values = {f"{_name(case)} median": 0.005 for case in range(cases)}
    (folder / "noise.jsonl").write_text((json.dumps(line | {"values": values}) + "\n") * 10)


def _name(case: int) -> str:
    return f"fanout.fanout:{case + 1} x2apic-physical dense:80 halted kvm@local measured wall"


def _benchmark(case: int, is_later: bool, numbers: random.Random) -> dict[str, Any]:
    factor = 1.1 if case == 0 and is_later else 1.0
    time_s = (case + 1) * 1e-6 * factor * (1 + numbers.gauss(0, 0.003))
    facts = {"workload": f"fanout:{case + 1}", "targets": case + 1, "icr_writes": case + 1.0}
    runs = [
        {
            "metadata": {"pvbench_boot": boot + 1},
            "values": [time_s * (1 + numbers.gauss(0, 0.002)) for _ in range(4)],
        }
        for boot in range(_BOOTS)
    ]
    metadata = {f"pvbench_{name}": value for name, value in facts.items()}
    return {"metadata": metadata | {"name": _name(case)}, "runs": runs}


def timed(folder: Path, cache: Path) -> tuple[float, float, str]:
    """Seconds of a command and of its CPU, and what it prints."""
    command = [sys.executable, "-m", "pvbench", "history", str(folder), "--last", "2"]
    began, began_cpu = time.perf_counter(), _cpu_s()
    process = subprocess.run(
        command,
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, _cpu_s() - began_cpu, process.stdout


def _cpu_s() -> float:
    """The CPU time of all processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Write the files, and measure the command twice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--cases", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name) / "results", Path(name) / "cache"
        folder.mkdir()
        write(folder, options.files, options.cases)
        new_s, new_cpu_s, first = timed(folder, cache)
        indexed_s, indexed_cpu_s, second = timed(folder, cache)
    print(f"{options.files} files with {options.cases} cases each")
    print(f"new files:      {new_s:6.2f} s, {new_cpu_s:.2f} s of a CPU")
    print(f"with the index: {indexed_s:6.2f} s, {indexed_cpu_s:.2f} s of a CPU")
    if first != second or "slower" not in first:
        print("the answers differ, or the step is not found", file=sys.stderr)
        return 1
    return int(indexed_cpu_s > _LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
