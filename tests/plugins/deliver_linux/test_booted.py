"""Pairs of Linux guests under a fake QEMU: what is traced, timed and void."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from pvbench.delivery import Task
from pvbench.errors import PvbenchError
from pvbench.slice_result import SliceResult
from pvbench_deliver_linux.booted import booted
from pvbench_deliver_linux.settings import Settings
from support.linux_tasks import GUEST, task_of

Fault = Callable[[str], None]
ON = task_of("membarrier", "3", "50", has_pv_ipi=True)
OFF = task_of("membarrier", "3", "50", has_pv_ipi=False)


def run(settings: Settings, *tasks: Task) -> list[SliceResult]:
    """The result of each task in one boot."""
    with booted(GUEST, settings) as guests:
        loaded = [guests.load(task) for task in tasks]
        return [task.run(loops=1, warmup=0) for task in loaded]


def test_times_are_of_the_untraced_run_and_counts_of_the_traced_one(settings: Settings) -> None:
    """Each guest of the pair boots twice."""
    on, off = run(settings, ON, OFF)

    assert (on.counts.hypercalls, off.counts.hypercalls) == (50, 0)
    assert on.facts["hypercalls_by_number"] == "10: 50"
    assert on.facts["icr_writes_by_value"] == "0xfc: 150"
    assert on.distributions["wall"].median == 1000
    assert on.distributions["operation"].p99 == 300
    assert (on.counts.exits, on.counts.wakeups_blocked, on.counts.wakeups_polled) == (
        100,
        10,
        1,
    )
    assert (on.faults, off.faults) == ((), ())


def test_the_canary_runs_after_each_program(settings: Settings) -> None:
    """Of 100 membarriers each makes one hypercall here."""
    on, off = run(settings, ON, OFF)

    assert (on.facts["canary_hypercalls"], off.facts["canary_hypercalls"]) == (100, 0)


def test_a_program_without_hypercalls_is_a_result(settings: Settings) -> None:
    """The canary shows that they would have been seen."""
    (result,) = run(settings, task_of("futex", "20", has_pv_ipi=True))

    assert (result.counts.hypercalls, result.faults) == (0, ())


def test_icr_writes_that_need_not_exit_are_unknown(settings: Settings) -> None:
    """AVIC and IPI virtualization send without an exit, so nothing counts them."""
    (result,) = run(attrs.evolve(settings, hides_icr_writes=True), OFF)

    assert result.counts.icr_writes is None


@pytest.mark.parametrize(
    ("name", "task", "sentence"),
    [
        pytest.param("no-canary", ON, "the canary made no hypercall 10", id="no-canary"),
        pytest.param("not-offered", ON, "KVM offers the guest no PV IPI", id="not-offered"),
        pytest.param("always", OFF, "100 hypercalls 10 of the canary", id="canary-off"),
    ],
)
def test_a_guest_that_is_not_what_was_asked_for_is_void(
    settings: Settings, fault: Fault, name: str, task: Task, sentence: str
) -> None:
    """The canary shows whether KVM_HC_SEND_IPI reaches KVM."""
    fault(name)
    (result,) = run(settings, task)

    assert result.faults[0].startswith(sentence)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("refuses", "Could not access KVM kernel module"),
        ("panics", "the kernel of the guest panics: no init"),
        ("no-threads", "QEMU does not name the threads"),
        ("no-stats", "QEMU does not show what KVM has counted"),
        ("endless-facts", "the guest does not become ready"),
        ("endless-answer", "the answer of the guest does not end"),
        ("odd-answer", "the guest's answer makes no sense: 'soon' is no number"),
    ],
)
def test_a_failed_boot_is_one_sentence(
    settings: Settings, fault: Fault, name: str, sentence: str
) -> None:
    """Lines of the guest and of QEMU are untrusted."""
    fault(name)

    with pytest.raises(PvbenchError, match=sentence):
        run(settings, ON)


def test_the_reason_of_the_guest_is_repeated(settings: Settings) -> None:
    """It knows best why it cannot run a program."""
    with pytest.raises(PvbenchError, match=r"cannot run the program: pipe\(2\) fails"):
        run(settings, task_of("pipe", "20", has_pv_ipi=False))


def test_a_program_is_never_repeated(settings: Settings) -> None:
    """It is a fixed amount of work."""
    with booted(GUEST, settings) as guests, pytest.raises(PvbenchError, match="runs once"):
        guests.load(ON).run(loops=2, warmup=0)


def test_files_that_were_not_prepared_are_an_error(settings: Settings) -> None:
    """A dry run prepares none."""
    with pytest.raises(PvbenchError, match="were not prepared"):
        run(attrs.evolve(settings, files=None), ON)
