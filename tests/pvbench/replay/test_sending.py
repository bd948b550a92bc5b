"""The modelled time of sends from a few runs of the engine."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from pvbench.delivery import Options
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.recording.recording import Recording
from pvbench.recording.sends import sends_of
from pvbench.replay import sending as replay_sending
from pvbench.replay.sending import Machine, times_of
from pvbench.replay.totals import NOT_LINEAR, Replayer, change_of_rest
from pvbench.replay.work import Sending, work_of
from support.helpers import CURRENT, bundled, guest_of, stack_of
from support.recordings import recording_of
from support.replays import bursts_of

MODEL = bundled().table("delivery")["model"]
CPUS = 70  # Hyper-V needs memory for CPUs beyond 63
IDS = [cpu // 2 + 150 * (cpu % 2) for cpu in range(CPUS)]  # several windows
STACKS = (
    "x2apic-physical",
    "x2apic-cluster",
    "xapic-physical",
    "kvm-pv/x2apic-physical",
    "hyperv-ipi/x2apic-cluster",
    "xen-evtchn/x2apic-physical",
)


def ignore(done: int) -> None:
    """No progress."""


def machine_of(costs: str = "skylake-fastpath", target_state: str = "running") -> Machine:
    """A modelled machine with a bundled cost profile."""
    description = MODEL.describe(Options(costs=costs))
    return Machine(delivery=MODEL, description=description, target_state=target_state)


def storm(masks: int = 40, seed: int = 1) -> Recording:
    """Unicasts, broadcasts and random masks of different sizes."""
    choose = random.Random(seed)  # noqa: S311 - the same sends in each run
    rows = [(0, 1, (2,), 0), (1, 1, (2,), 1), (2, 1, tuple({*range(CPUS)} - {1}), 2)]
    for time in range(masks):
        source = choose.randrange(CPUS)
        others = sorted({*range(CPUS)} - {source})
        targets = tuple(sorted(choose.sample(others, choose.randint(2, CPUS - 2))))
        rows.append((3 + time, source, targets, 2))
    return recording_of(rows, CPUS)


def by_engine(bursts: Iterable[Burst], sending: Sending, machine: Machine) -> float:
    """The seconds that the engine needs for all *bursts*, one by one."""
    with machine.delivery.boot(sending.guest, machine.description.worker_data) as booted:
        engine = replay_sending._Engine(booted, sending, machine)
        return sum(engine._run(burst).ticks for burst in bursts) / 1e12


@pytest.mark.parametrize("costs", MODEL.cost_profiles())
@pytest.mark.parametrize("name", STACKS)
def test_the_sending_time_of_a_recording_is_that_of_the_engine(name: str, costs: str) -> None:
    """For each cost profile; a few runs give the time of all masks."""
    stack, recording, machine = stack_of(name), storm(), machine_of(costs)
    ids = range(CPUS) if "xapic-physical" in name else IDS
    guest = stack.guest(guest_of(ids))
    totals = Replayer(ignore).totals(stack, sends_of(recording, guest), guest, CURRENT, machine)
    if totals.send_s is None:
        assert costs in ("bare-metal", "tdx")
        return

    expected = by_engine(bursts_of(recording), Sending(stack, guest, CURRENT), machine)
    assert totals.send_s == pytest.approx(expected, rel=1e-9)


class Counting:
    """A delivery that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(MODEL, name)

    def boot(self, guest: Guest, worker_data: bytes) -> Any:
        """A guest of the model whose tasks are counted."""
        return _Counted(self, MODEL.boot(guest, worker_data))


class _Counted:
    def __init__(self, owner: Counting, booting: Any) -> None:
        self.owner, self.booting = owner, booting

    def __enter__(self) -> Any:
        self.booted = self.booting.__enter__()
        return self

    def __exit__(self, *error: object) -> Any:
        return self.booting.__exit__(*error)

    def load(self, task: Any) -> Any:
        """Count one run."""
        self.owner.runs += 1
        return self.booted.load(task)


def test_many_masks_need_few_runs_of_the_engine() -> None:
    """A linear form gives the others."""
    delivery: Any = Counting()
    machine = attrs.evolve(machine_of(), delivery=delivery)
    stack = stack_of("kvm-pv/x2apic-physical")
    guest, recording = stack.guest(guest_of(IDS)), storm(masks=300)
    sends, sending = sends_of(recording, guest), Sending(stack, guest, CURRENT)
    works = work_of(sends, sending, ignore)

    assert len(works) > 60
    assert len(times_of(works, sending, machine) or ()) == len(works)
    assert delivery.runs < 50


def test_a_time_that_no_form_fits_is_that_of_single_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As long as there are few masks; otherwise it is unknown."""
    monkeypatch.setattr(replay_sending, "_fitted", lambda *_: None)
    stack, recording, machine = stack_of("x2apic-physical"), storm(), machine_of()
    guest = stack.guest(guest_of(IDS))
    sends = sends_of(recording, guest)
    totals = Replayer(ignore).totals(stack, sends, guest, CURRENT, machine)
    expected = by_engine(bursts_of(recording), Sending(stack, guest, CURRENT), machine)
    assert totals.send_s == pytest.approx(expected, rel=1e-9)

    monkeypatch.setattr(replay_sending, "_MOST", 5)
    unknown = Replayer(ignore).totals(stack, sends, guest, CURRENT, machine)
    assert (unknown.why, unknown.send_s) == (NOT_LINEAR, None)
    assert unknown.icr_writes == totals.icr_writes
    assert unknown.rest_share is None
    assert change_of_rest(unknown, totals) is None


def test_sends_with_equal_work_and_unequal_times_have_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then the time is not a function of the work."""
    monkeypatch.setattr(replay_sending, "_is_close", lambda one, other: False)
    stack, machine = stack_of("x2apic-physical"), machine_of()
    guest = stack.guest(guest_of(range(8)))
    recording = recording_of([(0, 0, (1, 2), 2), (1, 0, (3, 4), 2)], 8)
    totals = Replayer(ignore).totals(stack, sends_of(recording, guest), guest, CURRENT, machine)

    assert (totals.why, totals.send_s) == (NOT_LINEAR, None)


def test_a_stack_that_cannot_serve_the_guest_has_a_reason_and_no_counts() -> None:
    """Flat logical mode ends at eight CPUs."""
    stack, recording = stack_of("xapic-flat"), storm()
    guest = guest_of(IDS)
    totals = Replayer(ignore).totals(
        stack, sends_of(recording, guest), guest, CURRENT, machine_of()
    )

    assert (totals.icr_writes, totals.why) != (None, "")
    assert totals.icr_writes is None


def test_a_recording_without_sends_takes_no_time() -> None:
    """All totals are 0, and no engine runs."""
    stack, guest = stack_of("x2apic-physical"), guest_of(range(4))
    sends = sends_of(recording_of([]), guest)
    totals = Replayer(ignore).totals(stack, sends, guest, CURRENT, machine_of())

    assert (totals.icr_writes, totals.send_s, totals.why) == (0, None, "")


def test_the_change_of_sends_to_several_cpus_is_relative_to_the_base() -> None:
    """Unicasts are not in it."""
    machine, recording = machine_of(), storm()
    base, overlaid = (
        Replayer(ignore).totals(
            stack_of(name), sends_of(recording, guest_of(IDS)), guest_of(IDS), CURRENT, machine
        )
        for name in ("x2apic-physical", "kvm-pv/x2apic-physical")
    )

    assert base.rest_s is not None
    assert overlaid.rest_s is not None
    assert base.send_s is not None
    assert base.rest_share == pytest.approx(base.rest_s / base.send_s)
    assert change_of_rest(overlaid, base) == pytest.approx(overlaid.rest_s / base.rest_s - 1)
