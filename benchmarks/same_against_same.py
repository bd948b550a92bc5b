"""
Compare a delivery with itself on this machine, again and again, and count the verdicts.

    python benchmarks/same_against_same.py live --comparisons 40
    python benchmarks/same_against_same.py kvm --comparisons 40

Each comparison is a `pvbench ab` with equal sides.  In every other one two busy loops start
in the middle, at nice 19 for guests.  A verdict that finds a difference is false; 5 % of the
comparisons may have one.  Side a of each comparison is also compared with side a of the one
before, as runs that were made one after the other: without an allowance none has a verdict.
The exit status is 1 if there are more verdicts than chance explains.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scipy.stats import binom

PVBENCH: Final = (sys.executable, "-P", "-m", "pvbench")
SUITES: Final = {
    "live": ("live", "-k", "normal-ipi"),
    "kvm": ("norov", "--delivery", "kvm", "--vcpus", "2", "-k", "normal-ipi"),
}
SENDERS: Final = {"live": (), "kvm": ("--sender", "x2apic-physical")}
NICE: Final = {"live": 0, "kvm": 19}
FALSE: Final = {"faster", "slower"}
_CHANCE: Final = 0.98  # of so many false verdicts or fewer, if each comparison has 5 %
_LOOPS: Final = 2


def main() -> int:
    """Measure, print a table, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("delivery", choices=SUITES)
    parser.add_argument("--comparisons", type=int, default=40)
    parser.add_argument("--boots", type=int, default=10)
    options = parser.parse_args()
    verdicts: dict[str, Counter[str]] = {"quiet": Counter(), "busy": Counter()}
    sequential: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.comparisons):
            kind = "busy" if number % 2 else "quiet"
            path = Path(folder, f"{number}.json")
            verdict = compared(options, path, busy=number % 2 == 1)
            verdicts[kind][verdict] += 1
            print(f"{number + 1:3} {kind:5} {verdict}", flush=True)
            if number:
                sequential[one_after_the_other(folder, number)] += 1
    return judged(options.delivery, verdicts, sequential)


def compared(options: argparse.Namespace, path: Path, *, busy: bool) -> str:
    """The verdict on two equal sides."""
    words = ("ab", *SUITES[options.delivery], *SENDERS[options.delivery], "--fast")
    process = subprocess.Popen(
        [*PVBENCH, *words, "--boots", str(options.boots), "-o", str(path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, busy_loops(NICE[options.delivery]) as start:
        assert process.stdout
        assert process.stderr
        for line in process.stderr:
            if busy and re.match(rf"boot {options.boots}/", line):
                start()
            if "side " in line and "results" not in line and "boot " not in line:
                print(f"    {line.strip()}", flush=True)
        return verdict_of(process.stdout.read())


@contextmanager
def busy_loops(nice: int) -> Iterator[Callable[[], None]]:
    """A function that starts the loops; they end with the context."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = ["nice", "-n", str(nice), sys.executable, "-c", "while True: pass"]
        running.extend(subprocess.Popen(command) for _ in range(_LOOPS))

    try:
        yield start
    finally:
        for process in running:
            process.kill()
            process.wait()


def one_after_the_other(folder: str, number: int) -> str:
    """The verdict on two runs that were not interleaved."""
    files = [str(Path(folder, f"{n}-a.json")) for n in (number - 1, number)]
    done = subprocess.run(
        [*PVBENCH, "compare", *files, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return verdict_of(done.stdout)


def verdict_of(output: str) -> str:
    """The verdict of the only pair of a comparison in JSON."""
    pairs = json.loads(output)["pairs"] if output.startswith("{") else []
    return str(pairs[0]["verdict"]) if pairs else "not measured"


def judged(delivery: str, verdicts: dict[str, Counter[str]], sequential: Counter[str]) -> int:
    """Print how often each verdict came, and whether chance explains the false ones."""
    rows = [*verdicts.items(), ("one after the other", sequential)]
    for kind, counts in rows:
        listed = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        print(f"{delivery}, {kind}: {listed or 'nothing'}")
    together = verdicts["quiet"] + verdicts["busy"]
    measured = together.total() - together["not measured"]
    false = sum(together[name] for name in FALSE)
    most = int(binom.ppf(_CHANCE, measured, 0.05))
    in_sequence = sum(sequential[name] for name in FALSE)
    print(f"{false} false verdicts in {measured} comparisons (at most {most})")
    print(f"{in_sequence} verdicts on runs one after the other (at most 0)")
    return int(false > most or in_sequence > 0)


if __name__ == "__main__":
    sys.exit(main())
