"""A run that boots when it is told to, and one whose looks end it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.delivery import Clock, Description
from pvbench.errors import ProtocolError, WorkerError
from pvbench.protocol import Job
from pvbench.results import files, journal
from pvbench.run import loop
from pvbench.run.ab_messages import Channel, Due, End, Greeting, Message, Stored, Trace, Traced
from pvbench.run.boot import BootResult
from pvbench.run.loop import Ended
from pvbench.run.outcome import Outcome
from pvbench.run.request import PreparedRun
from pvbench.site import Host, Reach
from pvbench_site_local import LocalSession
from support.resume import BOOT_ONCE, prepared_small
from support.runs import journal_of
from support.sessions import EXACT, NEAR_EXACT, NOISY, with_clock

LOST = Outcome("failed", "the guest is lost")


@pytest.fixture(autouse=True)
def replay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Boots that run once for all tests, in an empty folder."""
    monkeypatch.setattr(loop, "run_boot", BOOT_ONCE)
    monkeypatch.chdir(tmp_path)


class Pipes:
    """The ends of a run's pipes; what `ab` tells is told beforehand."""

    def __init__(self) -> None:
        (self.theirs_in, ours_out), (ours_in, self.theirs_out) = os.pipe(), os.pipe()
        self.ours = Channel(ours_in, ours_out)

    def ended(self, *told: Message) -> Ended:
        """The end of a run that gets these messages and no others."""
        for message in told:
            self.ours.tell(message)
        os.close(self.ours.writing)
        channel = Channel(self.theirs_in, self.theirs_out)
        return loop.run(prepared("a.json"), channel=channel)

    def heard(self) -> list[Message]:
        """What the run has said."""
        os.close(self.theirs_out)
        messages = []
        while message := self.ours.hear():
            messages.append(message)
        return messages


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    """Pipes to a run."""
    made = Pipes()
    yield made
    os.close(made.theirs_in)
    os.close(made.ours.reading)


def prepared(output: str, *, boots: Any = 2, **changes: Any) -> PreparedRun:
    """A small run of two guests."""
    return prepared_small(output, boots=boots, guests=("2", "3"), **changes)


def due(boot: int, session: str = "s") -> Due:
    """Boot number *boot* of side a, which comes second."""
    return Due(boot=boot, session=session, side="a", first="b")


def test_a_side_boots_what_it_is_told_and_says_so(pipes: Pipes) -> None:
    """In that order, and no other boots."""
    ended = pipes.ended(due(2), due(1), End())
    greeting = Greeting(boots=4, guests=2, is_noisy=False, sessions={})

    assert pipes.heard() == [greeting, Stored(2), Stored(1)]
    assert [line["boot"] for line in journal_of(Path("a.json")) if "boot" in line] == [2, 1]
    assert (ended.signal, ended.measured) == (0, True)


def test_a_boot_stores_its_pair(pipes: Pipes) -> None:
    """The session, the side, and which side was first; a later greeting has the session."""
    pipes.ended(due(1), End())
    again = Pipes()
    again.ended(End())
    run = files.read("a.json").get_benchmarks()[0].get_runs()[0]
    names = ("session", "side", "first")
    facts = {name: run.get_metadata()[f"pvbench_ab_{name}"] for name in names}

    assert facts == {"session": "s", "side": "a", "first": "b"}
    assert [m.sessions for m in again.heard() if isinstance(m, Greeting)] == [{1: "s"}]


def test_a_stored_boot_may_be_told_again(pipes: Pipes) -> None:
    """The other side lacks it, so the pair is repeated."""
    pipes.ended(due(1), End())
    again = Pipes()
    again.ended(due(1, "t"), End())
    benchmark = files.read("a.json").get_benchmarks()[0]

    assert [run.get_metadata()["pvbench_ab_session"] for run in benchmark.get_runs()] == ["t"]


def stored_facts(path: str, *names: str) -> dict[tuple[str, int], tuple[Any, ...]]:
    """The facts of these names, by guest and boot."""
    runs = [run for one in files.read(path).get_benchmarks() for run in one.get_runs()]
    return {
        (facts["pvbench_guest"], facts["pvbench_boot"]): tuple(
            facts.get(f"pvbench_{name}") for name in names
        )
        for facts in (run.get_metadata() for run in runs)
    }


def test_a_side_that_traces_stores_which_functions_ran(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the guest that was traced; the job has all cases of the boot, each in one slice."""
    jobs: list[Job] = []

    def reach(session: LocalSession, host: Host, job: Job, other: str) -> Reach:
        jobs.append(job)
        assert other == "lab:6.12"
        return Reach(ran=(f"f{len(job.guest.apic_ids)}()",))

    monkeypatch.setattr(LocalSession, "reach", reach, raising=False)
    pipes.ended(Trace(trace=1, other="lab:6.12"), due(1), due(2), End())

    assert pipes.heard()[1:] == [Traced(1), Stored(1), Stored(2)]
    assert len(jobs) == 1
    assert [turn.task for turn in jobs[0].schedule] == [*range(len(jobs[0].tasks))]
    note = "These functions with other code ran: f2()."
    assert stored_facts("a.json", "reach", "reach_note") == {
        ("dense:2", 1): ("reached", note),
        ("dense:3", 1): (None, None),
    }


def test_a_trace_that_fails_is_no_failure_of_the_run(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is stored."""

    def reach(*_: object) -> Reach:
        raise WorkerError("the kernel of the lab panics")

    monkeypatch.setattr(LocalSession, "reach", reach, raising=False)
    ended = pipes.ended(Trace(trace=1, other="lab:6.12"), due(1), End())
    note = "It is not known whether other code was executed: the kernel of the lab panics."

    assert ended.status == 0
    assert stored_facts("a.json", "reach", "reach_note") == {("dense:2", 1): ("unknown", note)}


@pytest.mark.parametrize("traces", [False, True], ids=["no-tracer", "nothing-in-common"])
def test_a_side_that_knows_nothing_of_the_other_stores_nothing(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch, traces: bool
) -> None:
    """It says that it is done all the same."""
    if traces:
        monkeypatch.setattr(LocalSession, "reach", lambda *_: None, raising=False)
    pipes.ended(Trace(trace=1, other="lab:6.12"), due(1), End())

    assert pipes.heard()[1:] == [Traced(1), Stored(1)]
    assert stored_facts("a.json", "reach") == {("dense:2", 1): (None,)}


def test_a_side_ends_as_by_sigterm_when_ab_is_gone(pipes: Pipes) -> None:
    """What was stored stays."""
    ended = pipes.ended(due(1))

    assert ended.signal == signal.SIGTERM
    assert journal_of(Path("a.json"))[-1] == {"end": 143, "signal": 15}
    assert len(pipes.heard()) == 2


@pytest.mark.parametrize("message", [due(5), Trace(trace=5, other="x"), Stored(1)])
def test_a_side_refuses_what_is_no_boot_of_its_plan(pipes: Pipes, message: Message) -> None:
    """It has four."""
    with pytest.raises(ProtocolError, match="does not say which boot is due"):
        pipes.ended(message)


@pytest.mark.parametrize(
    ("exactness", "changes", "boots"),
    [
        pytest.param("noisy", {"boots": None}, 10, id="ten-pairs"),
        pytest.param("noisy", {"boots": 2}, 2, id="as-told"),
        pytest.param("exact", {"boots": None}, 1, id="exact"),
        pytest.param("near-exact", {"boots": None}, 2, id="near-exact"),
        pytest.param("near-exact", {"boots": None, "max_boots": 80}, 2, id="never-settled"),
        pytest.param("noisy", {"boots": None, "max_boots": 80}, 80, id="until-settled"),
    ],
)
def test_a_side_has_ten_boots_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, exactness: str, changes: dict[str, Any], boots: int
) -> None:
    """--fast has fewer, which decide nothing; a clock that is not noisy needs one or two."""
    from pvbench.run import preparation

    question = preparation._effort
    described = Description(clock=Clock("x", 10**9, exactness))
    monkeypatch.setattr(preparation, "_effort", lambda asked, _: question(asked, described))
    side = prepared("a.json", is_side=True, **changes)

    assert side.plan.effort.boots == boots


@pytest.mark.parametrize(
    ("clock", "times"),
    [(EXACT, 0), (NEAR_EXACT, 0), (NOISY, 1)],
    ids=lambda case: getattr(case, "name", ""),
)
def test_only_a_noisy_clock_makes_other_timed_runs_wait(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, times: int
) -> None:
    """Other work on the machine does not change the times of the other clocks."""
    taken: list[LocalSession] = []

    def alone(session: LocalSession) -> nullcontext[None]:
        taken.append(session)
        return nullcontext()

    monkeypatch.setattr(LocalSession, "alone", alone)
    monkeypatch.setattr(loop, "run_boot", lambda *_: BootResult(outcome=LOST, cases=()))
    ready = prepared("a.json")
    loop.run(with_clock(ready, clock))

    assert len(taken) == times


# looks


def test_looks_are_asked_after_the_boots_of_all_guests() -> None:
    """With the number of boots that each guest has had; the run ends when one says so."""
    asked: list[tuple[str, int]] = []

    def looks(path: Path, boots: int) -> bool:
        asked.append((str(path), boots))
        return boots == 2

    ended = loop.run(prepared("a.json", boots=3), looks=looks)

    assert asked == [("a.json", 1), ("a.json", 2)]
    assert (ended.signal, len(journal.boots_of(journal.read(Path("a.jsonl"))))) == (0, 4)


def test_a_resumed_run_is_asked_about_stored_boots_too() -> None:
    """It may have been killed just before it would have ended."""
    loop.run(prepared("a.json", boots=1))
    loop.run(prepared("a.json", boots=3), looks=lambda path, boots: boots == 1)

    assert len(journal.boots_of(journal.read(Path("a.jsonl")))) == 2


@pytest.mark.parametrize(("signals", "settled"), [(0, True), (15, False)])
def test_a_run_that_a_signal_ends_is_not_settled(
    monkeypatch: pytest.MonkeyPatch, signals: int, settled: bool
) -> None:
    """--resume goes on."""
    one = prepared("a.json", boots=1)
    asked = attrs.evolve(one.request, max_boots=1)

    def looks(path: Path, boots: int) -> bool:
        if signals:
            signal.raise_signal(signals)
        return True

    loop.run(attrs.evolve(one, request=asked), looks=looks)
    entries = journal.read(Path("a.jsonl"))

    assert (journal.is_settled(entries), journal.is_complete(entries, 99)) == (settled, settled)
