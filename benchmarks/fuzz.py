"""
Hostile inputs of every kind: each is refused in one sentence, or used.

    python benchmarks/fuzz.py [--inputs 10000] [--kind KIND] [--seed SEED] [--number N]

An input is made of a valid one.  No input may show a traceback or a bug (exit status 70),
take more than a second of CPU time or 300 MB, or print what a terminal would obey.
A fault counts if its input shows it again alone.
After the table come the inputs that do, each made smaller as long as it shows the fault,
and the exit status is 1.  The same seed makes the same inputs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import attrs

from fuzz_kinds import KINDS, Kind
from fuzz_readers import Input
from fuzz_valid import Valid, valid_inputs
from mutations import smaller

CPU_S: Final = 1.0
MEMORY_MB: Final = 300.0
_BUG: Final = 70
_REFUSED: Final = (2, 5)
# What a line of standard error begins with: a sentence, the outcome of a case, the file.
_LINES: Final = (
    *("pvbench: ", "failed: ", "void: ", "unsupported: ", "blocked: "),
    *("results: ", "recording: ", "page: "),
)
_LONGEST_CPU_S: Final = 10.0  # then a signal ends the process
_LONGEST_S: Final = 120.0  # by the clock of the wall, for what waits without CPU time
_ADDRESSES: Final = 4 << 30  # bytes; an input that needs more does not end the machine
_MOST_FAULTS: Final = 5  # of a kind
_MOST_TRIES: Final = 200  # to make an input smaller
_SHOWN: Final = 2000  # characters of an input
_ALIKE: Final = 120  # characters of a fault


@attrs.frozen
class Outcome:
    """How one input went; *fault* is empty if all is well."""

    status: int
    cpu_s: float
    memory_mb: float
    fault: str = ""


def attempt(kind: Kind, given: Input) -> Outcome:
    """Let pvbench read an input, in this process and in its current directory."""
    for name, content in given.files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)
    out, err = io.StringIO(), io.StringIO()
    begin, status, fault = time.process_time(), _BUG, ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = kind.read(given)
    except BaseException:  # whatever leaves the entry point is the fault that is sought
        fault = traceback.format_exc()
    took_s = time.process_time() - begin
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    fault = fault or _fault(status, out.getvalue(), err.getvalue())
    if not fault and took_s > CPU_S:
        fault = f"it takes {took_s:.2f} s of CPU time"
    if not fault and memory_mb > MEMORY_MB:
        fault = f"it takes {memory_mb:.0f} MB"
    return Outcome(status, took_s, memory_mb, fault)


def _fault(status: int, out: str, err: str) -> str:
    """The fault of a command by its exit status and what it prints."""
    if status == _BUG or "Traceback (most" in err:
        return err or f"exit status {status}"
    if any(not char.isprintable() and char not in "\r\n" for char in out + err):
        return f"it prints {out + err!a}"
    lines = err.splitlines()
    if any(not line.startswith(_LINES) for line in lines):
        return f"standard error has more than sentences: {err}"
    if status in _REFUSED and not out and not lines:
        return f"exit status {status} without a sentence"
    return ""


def made(kind: Kind, valid: Valid, seed: int, number: int) -> Input:
    """Input *number* of a kind, which depends on nothing but its arguments."""
    return kind.make(valid, Random(f"{seed} {kind.name} {number}"))  # noqa: S311 - no secret


def outcomes(kind: Kind, inputs: Sequence[Input]) -> Iterator[tuple[Input, Outcome]]:
    """How each input goes; a process reads them until one shows a fault."""
    done = 0
    while done < len(inputs):
        for outcome in _in_child(kind, inputs[done:]):
            given = inputs[done]
            done += 1
            yield given, alone(kind, given) if outcome.fault else outcome


def alone(kind: Kind, given: Input) -> Outcome:
    """How an input goes in a process of its own, where nothing was read before."""
    [outcome] = _in_child(kind, [given])
    return outcome


def _in_child(kind: Kind, inputs: Sequence[Input]) -> Iterator[Outcome]:
    """Outcomes of a child process, at least one; the last may be a fault."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _serve(kind, inputs, writing)
    os.close(writing)
    count, is_well = 0, True
    with os.fdopen(reading) as lines:
        while is_well and select.select([lines], [], [], _LONGEST_S)[0]:
            if not (line := lines.readline()):
                break
            outcome = Outcome(**json.loads(line))
            count, is_well = count + 1, not outcome.fault
            yield outcome
        else:
            os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    if is_well and count < len(inputs):
        ended = f"the process ends with wait status {status}, or waits for ever"
        yield Outcome(_BUG, usage.ru_utime, usage.ru_maxrss * 1024 / 1e6, ended)


def _serve(kind: Kind, inputs: Sequence[Input], writing: int) -> None:
    """Read inputs in a directory of their own until one shows a fault; does not return."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_WRONLY)  # for the sides of `ab`, processes of their own
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with os.fdopen(writing, "w", buffering=1) as lines:
        for given in inputs:
            signal.setitimer(signal.ITIMER_PROF, _LONGEST_CPU_S)
            outcome = attempt(kind, given)
            lines.write(json.dumps(attrs.asdict(outcome)) + "\n")
            for name in given.files:
                Path(name).unlink(missing_ok=True)
            if outcome.fault:
                break
    os._exit(0)


def smallest(kind: Kind, given: Input, fault: str) -> Input:
    """An input as small as possible that still shows the same *fault*."""
    tries = _MOST_TRIES
    candidates = _smaller(given)
    while tries and (candidate := next(candidates, None)):
        tries -= 1
        if _sort(alone(kind, candidate).fault) == _sort(fault):
            given, candidates = candidate, _smaller(candidate)
    return given


def _sort(fault: str) -> str:
    """The part of a fault in which the faults of similar inputs are equal."""
    last = fault.rstrip().rpartition("\n")[2]
    return re.sub("[0-9]+", "", last)[:_ALIKE]


def _smaller(given: Input) -> Iterator[Input]:
    for place in range(1, len(given.words)):
        yield attrs.evolve(given, words=given.words[:place] + given.words[place + 1 :])
    for name, content in given.files.items():
        for less in smaller(content):
            yield attrs.evolve(given, files={**given.files, name: less})


@attrs.frozen
class Row:
    """The outcomes of a kind, and its inputs that show a fault."""

    name: str
    outcomes: Sequence[Outcome]
    faults: Sequence[tuple[Input, Outcome]]

    def __str__(self) -> str:
        refused = sum(outcome.status in _REFUSED for outcome in self.outcomes)
        slowest = max((outcome.cpu_s for outcome in self.outcomes), default=0)
        peak = max((outcome.memory_mb for outcome in self.outcomes), default=0)
        accepted = len(self.outcomes) - refused - len(self.faults)
        return (
            f"{self.name:24} {len(self.outcomes):6} {refused:8} {accepted:9} "
            f"{slowest:8.2f} s {peak:6.0f} MB {len(self.faults):7}"
        )


HEAD: Final = f"{'kind':24} inputs  refused  accepted    slowest   memory  faults"


def row_of(kind: Kind, valid: Valid, seed: int, numbers: Sequence[int]) -> Row:
    """Make the inputs of these numbers and let pvbench read them."""
    results: list[Outcome] = []
    faults: list[tuple[Input, Outcome]] = []
    for start in range(0, len(numbers), 100):
        inputs = [made(kind, valid, seed, number) for number in numbers[start : start + 100]]
        for given, outcome in outcomes(kind, inputs):
            results.append(outcome)
            if outcome.fault:
                faults.append((given, outcome))
            if len(faults) == _MOST_FAULTS:
                return Row(kind.name, results, faults)
    return Row(kind.name, results, faults)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each kind, and the smallest input of each fault."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000, help="of each kind")
    parser.add_argument("--kind", action="append", choices=[kind.name for kind in KINDS])
    parser.add_argument("--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d}"))
    parser.add_argument("--number", type=int, help="only the input of this number")
    options = parser.parse_args(arguments)
    numbers = range(options.inputs) if options.number is None else [options.number]
    kinds = [kind for kind in KINDS if not options.kind or kind.name in options.kind]
    print(f"seed {options.seed}\n{HEAD}", flush=True)
    failures = 0
    with valid_inputs() as valid:
        for kind in kinds:
            row = row_of(kind, valid, options.seed, numbers)
            print(row, flush=True)
            failures += len(row.faults)
            for given, outcome in row.faults:
                small = ascii(smallest(kind, given, outcome.fault))[:_SHOWN]
                print(f"\n{outcome.fault}\n{small}\n", flush=True)
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
