"""The short form of `benchmarks/fuzz.py`, and that it notices each kind of fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import fuzz
import fuzz_kinds
import mutations
from support.helpers import DEADLINE_S

# Enough to notice a reader that refuses nothing; the long form has 10 000 of each kind.
INPUTS = 20
SEED = 1
# Readers with a fault; `fuzz` forks, which a process of pytest with its threads may not.
FAULTY = """
import json, os, signal, sys
from pathlib import Path
sys.path[:0] = [{benchmarks!r}]
import fuzz
from fuzz_kinds import Kind
from fuzz_readers import Input

def text():
    return Path("a.txt").read_text()

def spin():
    while "z" in text():
        pass

def say(out, err, status):
    print(out)
    print(err, file=sys.stderr)
    return status

READERS = {{
    "raise": lambda given: 0 if "z" not in text() else 1 / 0,
    "either": lambda given: {{}}["no z"] if "z" not in text() else 1 / 0,
    "bug": lambda given: 70,
    "spin": lambda given: spin() or 0,
    "die": lambda given: os.kill(os.getpid(), signal.SIGKILL),
    "escape": lambda given: say("\\x1b[31m", "pvbench: no.", 2),
    "mute": lambda given: 2,
    "chatter": lambda given: say("", "pvbench: no.\\nat line 3", 2),
    "memory": lambda given: len(bytearray(60_000_000)) and 0,
    "refuse": lambda given: say("", "pvbench: no.", 2),
    "use": lambda given: say("a table", "results: a.json", 0),
}}
if sys.argv[1] == "spin":
    fuzz.CPU_S = 0.3
    fuzz._LONGEST_CPU_S = 0.6
kind = Kind(sys.argv[1], lambda valid, random: None, READERS[sys.argv[1]])
given = Input(("show", "a.txt"), {{"a.txt": b"some z text"}})
if sys.argv[1] == "memory":
    fuzz.CPU_S = fuzz._LONGEST_CPU_S  # a busy machine gives memory slowly
    nothing = Kind("nothing", lambda valid, random: None, lambda given: 0)
    fuzz.MEMORY_MB = fuzz.alone(nothing, given).memory_mb + 30
outcome = fuzz.alone(kind, given)
smallest = fuzz.smallest(kind, given, outcome.fault).files["a.txt"] if outcome.fault else b""
print(json.dumps([outcome.status, outcome.fault, smallest.decode()]))
"""


def test_hostile_inputs_of_every_kind_are_refused_in_a_sentence_or_used(tmp_path: Path) -> None:
    """A failure prints the inputs."""
    command = [sys.executable, fuzz.__file__, f"--inputs={INPUTS}", f"--seed={SEED}"]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )

    assert run.returncode == 0, run.stdout + run.stderr
    head, _, *rows = run.stdout.splitlines()
    assert head == f"seed {SEED}"
    assert len(rows) == len(fuzz_kinds.KINDS)
    assert all(row.endswith(" 0") for row in rows)


@pytest.mark.parametrize(
    ("reader", "fault"),
    [
        ("raise", "ZeroDivisionError"),
        ("either", "ZeroDivisionError"),
        ("bug", "exit status 70"),
        ("spin", "the process ends with wait status"),
        ("die", "the process ends with wait status 9"),
        ("escape", "it prints '\\x1b[31m"),
        ("mute", "exit status 2 without a sentence"),
        ("chatter", "standard error has more than sentences"),
        ("memory", "MB"),
        ("refuse", ""),
        ("use", ""),
    ],
)
def test_each_fault_is_noticed_and_shown_with_the_smallest_input(
    reader: str, fault: str, tmp_path: Path
) -> None:
    """A reader that depends on the letter z needs no other byte; another fault is another."""
    code = FAULTY.format(benchmarks=str(Path(fuzz.__file__).parent))
    run = subprocess.run(
        [sys.executable, "-c", code, reader],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    _, shown, smallest = json.loads(run.stdout)

    assert (fault in shown) if fault else shown == ""
    assert smallest == ("z" if reader in ("raise", "either", "spin") else "")


def test_the_same_seed_makes_the_same_inputs() -> None:
    """Whatever was made before."""
    kinds = [
        kind for kind in fuzz_kinds.KINDS if kind.name in ("suites", "topologies", "options")
    ]

    first, again = (
        [fuzz.made(kind, {}, 7, number) for kind in kinds for number in range(20)]
        for _ in range(2)
    )

    assert first == again
    assert len(set(map(str, first))) > 50


def test_mutations_leave_the_valid_data_as_they_are() -> None:
    """They change a copy."""
    data = {"a": [1, {"b": "x"}], "c": 2.5}
    random = Random(7)  # noqa: S311 - no secret

    changed = [mutations.mutated(data, random) for _ in range(50)]

    assert data == {"a": [1, {"b": "x"}], "c": 2.5}
    assert sum(one != data for one in changed) > 40
