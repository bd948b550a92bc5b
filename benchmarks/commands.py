"""
Whole commands, from start to end, beside the programs that set their targets.

    python benchmarks/commands.py [--fast] [-o FILE]

The targets, where `python -c pass` takes 20 ms: `pvbench --help` under 150 ms,
`pvbench list senders` under 400 ms; and `pvbench run norov` with all senders at
80 vCPUs no longer than two trivial series of pyperf.Runner with its defaults.
`beside.py` compares the same commands with those of an earlier revision.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyperf

PVBENCH = str(Path(sys.executable).with_name("pvbench"))
PEER = str(Path(__file__).with_name("two_series.py"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "pvbench --help": [PVBENCH, "--help"],
    "pvbench list senders": [PVBENCH, "list", "senders"],
    "pvbench run norov": [PVBENCH, "run", "norov", "-q"],
    "two series of pyperf.Runner": [sys.executable, PEER],
}


def main() -> None:
    """Time each command; results of the runs go to the current directory."""
    runner = pyperf.Runner(processes=3, values=1, warmups=1)
    for name, command in COMMANDS.items():
        runner.bench_command(name, command)


if __name__ == "__main__":
    main()
