"""
How long the page of a large result file takes, how much memory, and how large it is.

    python benchmarks/report.py --series 2000

The file has that many series of ten boots in pairs of senders, with histograms.  The page
should take under 10 s and 500 MB and have under 5 MB; beyond a limit the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

_LIMITS: Final = {"seconds": 10.0, "MB of memory": 500.0, "MB of page": 5.0}
_BOOTS: Final = 10
_STACKS: Final = ("x2apic-physical", "kvm-pv/x2apic-physical")


def write(path: Path, series: int) -> None:
    """Write a result file of measured times with that many series."""
    numbers = random.Random(1)  # noqa: S311 - not for secrets
    shared: dict[str, Any] = {
        "format": 1,
        "suite": "fanout",
        "suite_version": 1,
        "guest_bits": 64,
        "apic_ids": "0-999",
        "vcpus": 1000,
        "apic_mode": "x2apic",
        "shorthands": "no",
        "target_state": "halted",
        "target_state_proved": "halted",
        "delivery": "kvm",
        "site": "local",
        "costs": "measured",
        "clock": "tsc",
        "exactness": "noisy",
        "lost": 0,
        "overlaid": "yes",
        "series": "wall",
        "statistic": "median",
        "family": "fanout",
        "parameter": "targets",
        "ticks_per_second": 10**9,
    }
    benchmarks = [
        _benchmark(_STACKS[number % 2], number // 2, numbers) for number in range(series)
    ]
    metadata = {f"pvbench_{name}": value for name, value in shared.items()}
    metadata |= {"unit": "second", "loops": 10}
    content = {"benchmarks": benchmarks, "metadata": metadata, "version": "1.0"}
    path.write_text(json.dumps(content) + "\n")


def _benchmark(stack: str, case: int, numbers: random.Random) -> dict[str, Any]:
    """One series: a number of targets in one of several guests."""
    guest, targets = f"dense:{case // 100 + 1000}", case % 100 + 1
    facts: dict[str, Any] = {
        "workload": f"fanout:{targets}",
        "stack": stack,
        "guest": guest,
        "sender": stack.partition("/")[0] if "/" in stack else "native",
        "driver": "x2apic-physical",
        "targets": targets,
        "parameter_value": targets,
        "icr_writes": float(targets),
        "hypercalls": 0.0,
    }
    metadata = {f"pvbench_{name}": value for name, value in facts.items()}
    metadata["name"] = f"fanout.fanout:{targets} {stack} {guest} wall"
    scale_s = targets * (1e-6 if "/" in stack else 2e-6)
    runs = [_run(number + 1, scale_s, numbers) for number in range(_BOOTS)]
    return {"metadata": metadata, "runs": runs}


def _run(boot: int, scale_s: float, numbers: random.Random) -> dict[str, Any]:
    histogram = f"{2000 + boot} " + " ".join(f"{numbers.randint(1, 9)}*4" for _ in range(40))
    metadata = {"pvbench_boot": boot, "pvbench_histogram_ticks": histogram}
    return {"metadata": metadata, "values": [scale_s * numbers.gauss(1, 0.02)]}


def measured(series: int) -> dict[str, float]:
    """Build one page in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path, page = Path(folder, "large.json"), Path(folder, "page.html")
        write(path, series)
        command = [sys.executable, "-m", "pvbench", "report", str(path), "--html", str(page)]
        started_s = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"pvbench report ended with status {process.returncode}")
        figures = (
            time.monotonic() - started_s,
            usage.ru_maxrss / 1024,
            page.stat().st_size / 1e6,
        )
    return dict(zip(_LIMITS, figures, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2000, help="series of the file (2000)")
    values = measured(parser.parse_args().series)
    for name, value in values.items():
        print(f"{value:8.1f} {name}, limit {_LIMITS[name]:g}")
    return int(any(value > _LIMITS[name] for name, value in values.items()))


if __name__ == "__main__":
    sys.exit(main())
