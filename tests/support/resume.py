"""Builders for tests of `--resume`: a small run, and its states in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.protocol import encode
from pvbench.results.journal import Journal
from pvbench.run import loop as runs
from pvbench.run.boot import BootResult, Launch, job_of, run_boot
from pvbench.run.cases import Selection
from pvbench.run.plan import Boot
from pvbench.run.request import PreparedRun, Request
from support.helpers import bundled
from support.runs import Cli, Output
from support.sessions import prepared_run

# Two boots, one case that cannot run.
SMALL = (
    *("run", "norov", "--fast", "-q", "--boots", "2", "-k", "normal or *.broadcast"),
    *("--sender", "native", "--driver", "x2apic-physical", "--vcpus", "1,3"),
)


def small(cli: Cli, *options: str) -> Output:
    """The small run, with more *options*."""
    return cli(*SMALL, *options)


def prepared_small(
    output: str,
    *,
    boots: int = 2,
    guests: tuple[str, ...] = ("1", "3"),
    keywords: str = "normal or *.broadcast",
    **changes: object,
) -> PreparedRun:
    """The same, without a command line."""
    selection = Selection(
        senders=("native",), drivers=("x2apic-physical",), guests=guests, keywords=keywords
    )
    request = Request(
        suite=bundled().suite("norov"),
        selection=selection,
        pace="fast",
        boots=boots,
        output=output,
        quiet=True,
        resume=True,
        **changes,  # type: ignore[arg-type]
    )
    return prepared_run(request, bundled())


class BootOnce:
    """
    Runs each job once and returns its result again: a model's boot is always the same.

    A boot that failed is run again, because the session of another test may cause that.
    """

    def __init__(self) -> None:
        self.results: dict[str, BootResult] = {}

    def __call__(self, boot: Boot, launch: Launch) -> BootResult:
        key = encode(job_of(boot, launch)) + str([case.name for case in boot.cases])
        if key in self.results:
            return self.results[key]
        result = run_boot(boot, launch)
        if result.outcome.kind == "ok":
            self.results[key] = result
        return result


BOOT_ONCE = BootOnce()


def states_of(
    prepared: PreparedRun, path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[bytes, bytes]]:
    """Run, and note (journal, results) before each line of the journal and at the end."""
    states: list[tuple[bytes, bytes]] = []
    write = Journal.write

    def noted(book: Journal, **entry: object) -> None:
        states.append((book.path.read_bytes(), path.read_bytes()))
        write(book, **entry)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", noted)
        runs.run(prepared)
    return [*states, (path.with_suffix(".jsonl").read_bytes(), path.read_bytes())]


def cut_after(path: Path, boots: int) -> None:
    """Leave of a journal what a run that was killed after *boots* boots leaves."""
    book = path.with_suffix(".jsonl")
    lines = book.read_text().splitlines(keepends=True)
    boot_lines = [place for place, line in enumerate(lines, 1) if line.startswith('{"boot"')]
    first = next(place for place, line in enumerate(lines) if line.startswith('{"boot"'))
    book.write_text("".join(lines[: boot_lines[boots - 1] if boots else first]))
