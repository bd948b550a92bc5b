"""
Time and memory of the largest suite, all senders: below 60 s and 500 MB.

Memory is the peak of the largest single process: the manager or a worker.

    python benchmarks/scale.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time

LIMIT_S, LIMIT_MB = 60, 500


def main() -> int:
    """Run the suite once, side by side with an interpreter that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        nothing_s = seconds([sys.executable, "-c", "pass"], folder)
        command = [sys.executable, "-m", "pvbench", "run", "scale", "-q"]
        spent_s = seconds(command, folder)
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"python -c pass: {nothing_s:.2f} s")
    print(f"pvbench run scale: {spent_s:.1f} s, at most {peak_mb:.0f} MB in one process")
    return int(spent_s > LIMIT_S or peak_mb > LIMIT_MB)


def seconds(command: list[str], folder: str) -> float:
    """The time that *command* takes; the command must succeed."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
