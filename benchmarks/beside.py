"""
CPU time of whole commands, beside an earlier revision in a work tree of its own.

    git worktree add --detach ../base REVISION
    (cd ../base && python3 -m venv .venv && .venv/bin/pip install -e .)
    python benchmarks/beside.py ../base [--pairs 12] [-k WORDS]

Both revisions run in turn.  The time is user and system time of the command with all of
its child processes, which depends less on other load than the time that passes.  A ratio
is that of one pair: this revision's time divided by the earlier one's.

The targets beside 32b27cf: a ratio of at most 1.00 for `run norov` with all senders, and of
at most 1.15 for the import of a worker.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Final

THIS: Final = Path(__file__).resolve().parents[1]
_WORKERS: Final = ("run/worker", "worker")  # its place in the package, by revision


def commands(tree: Path) -> dict[str, list[str]]:
    """The commands of the revision in *tree*, by a name for people."""
    pvbench, python = str(tree / ".venv/bin/pvbench"), str(tree / ".venv/bin/python")
    places = (place for place in _WORKERS if (tree / f"pvbench/{place}.py").exists())
    worker = f"pvbench.{next(places).replace('/', '.')}"
    return {
        "run norov": [pvbench, "run", "norov", "--fast", "-q", "-o", "a.json"],
        "import of a worker": [python, "-P", "-c", f"import {worker}"],
        "list senders": [pvbench, "list", "senders"],
        "--help": [pvbench, "--help"],
        "python -c pass": [python, "-c", "pass"],
    }


def cpu_s(command: list[str]) -> float:
    """
    User and system time of *command* and its children, seconds; it runs in a folder of its
    own.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description="CPU time beside an earlier revision.")
    parser.add_argument("tree", type=Path, help="work tree of the earlier revision")
    parser.add_argument("--pairs", type=int, default=12, help="runs of each command (12)")
    parser.add_argument("-k", dest="words", default="", help="only commands with these words")
    options = parser.parse_args()
    earlier, this = commands(options.tree.resolve()), commands(THIS)
    print("CPU time, measured        earlier      this   ratio (quartiles)")
    for name in earlier:
        if options.words in name:
            pairs = [(cpu_s(earlier[name]), cpu_s(this[name])) for _ in range(options.pairs)]
            print(line(name, pairs))
            sys.stdout.flush()


def line(name: str, pairs: list[tuple[float, float]]) -> str:
    """The medians and quartiles of *pairs* of times of the earlier and of this revision."""
    low, middle, high = quantiles((this / earlier for earlier, this in pairs), n=4)
    earlier_s, this_s = (median(times) for times in zip(*pairs, strict=True))
    times = f"{earlier_s * 1e3:7.0f} ms {this_s * 1e3:6.0f} ms"
    return f"{name:22} {times}   {middle:5.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
