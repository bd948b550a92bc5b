"""A probe works if every IPI of it arrived where it should, and nowhere else."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pvbench.delivery import LoadedTask, Task
from pvbench.errors import PvbenchError, UnavailableError
from pvbench.guest import Guest
from pvbench.slice_result import Counts, SliceResult
from pvbench.trials import Outcome, Programs
from pvbench_deliver_kvm.probe import attempts
from pvbench_deliver_kvm.probe.attempts import ProbedGuest
from pvbench_deliver_kvm.probe.cache import probes as probes_of_this_host
from pvbench_deliver_kvm.probe.programs import PROBES
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm.fd import IoctlError
from support.loaded import Loaded

X2APIC = tuple(PROBES["x2apic"][2])
NO_HYPERV = "KVM_GET_SUPPORTED_HV_CPUID failed: Invalid argument"
ALL = [name for _, _, programs in PROBES.values() for name in programs]
GROUPS = [group for group in PROBES if group != "proposals"]  # those are raw programs


class Faithful:
    """A machine on which everything arrives; the task after the first *good* goes wrong."""

    def __init__(self, good: int = 99, **wrong: Any) -> None:
        self.tasks: list[Task] = []
        self._good, self._wrong = good, wrong

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        return Outcome(lost="a raw program")

    def load(self, task: Task) -> LoadedTask:
        return Loaded(self._slice_of, task)

    def _slice_of(self, task: Task, *, loops: int, warmup: int) -> SliceResult:
        self.tasks.append(task)
        each = [loops if cpu in task.reached[0] else 0 for cpu in range(2)]
        answers: dict[str, Any] = {"handlers": each, "faults": ()}
        if len(self.tasks) > self._good:
            answers |= self._wrong
        if "lost" in answers:
            raise PvbenchError(answers["lost"])
        counts = Counts(
            icr_writes=loops,
            hypercalls=0,
            returned=0,
            handlers=answers["handlers"],
            coalesced=None,
            functions=answers["handlers"],
        )
        return SliceResult(
            loops=loops,
            distributions={},
            counts=counts,
            faults=answers["faults"],
        )


def probes(booted: ProbedGuest, group: str = "x2apic") -> dict[str, str]:
    return dict(attempts.attempts(booted, group))


@pytest.mark.parametrize("group", GROUPS)
def test_on_a_machine_where_all_arrives_all_works(group: str) -> None:
    """The SELF IPI arrives at CPU 0, and everything else at CPU 1."""
    expected = dict.fromkeys(PROBES[group][2], "")

    assert expected == probes(Faithful(), group)


def test_only_the_named_probes_run() -> None:
    """Another child has done the rest."""
    results = dict(attempts.attempts(Faithful(), "x2apic", X2APIC[3:]))

    assert tuple(results) == X2APIC[3:]


def test_a_machine_is_given_each_program_once() -> None:
    """As an NMI it is counted under the NMI's vector."""
    booted = Faithful()
    probes(booted)

    assert [task.programs for task in booted.tasks] == [
        (program,) for program in PROBES["x2apic"][2].values()
    ]
    assert [task.bursts[0].vector for task in booted.tasks] == [0xFC, 0xFC, 0xFC, 0xFC, 2]


@pytest.mark.parametrize(
    ("handlers", "expected"),
    [
        pytest.param((0, 0), "the CPUs handled (0, 0), not [0, 3]", id="nothing-arrives"),
        pytest.param((0, 2), "the CPUs handled (0, 2), not [0, 3]", id="one-is-lost"),
        pytest.param((0, 4), "the CPUs handled (0, 4), not [0, 3]", id="one-too-many"),
        pytest.param((1, 3), "the CPUs handled (1, 3), not [0, 3]", id="another-cpu-too"),
        pytest.param((3, 0), "the CPUs handled (3, 0), not [0, 3]", id="another-cpu-instead"),
        pytest.param((0, 3), "", id="as-it-should-be"),
    ],
)
def test_a_probe_fails_if_another_cpu_is_interrupted(
    handlers: tuple[int, int], expected: str
) -> None:
    """Exactly three times CPU 1, and the probes after it go on."""
    results = probes(Faithful(good=0, handlers=handlers))

    assert results["x2apic-physical"] == expected
    assert tuple(results) == X2APIC


def test_a_fault_is_reported_before_its_consequences() -> None:
    """The first fault is reported."""
    faults = ("op 0 raised #UD (vector 6)", "CPU 1 never acknowledged")
    results = probes(Faithful(good=1, handlers=(0, 0), faults=faults))

    assert dict.fromkeys(X2APIC, faults[0]) | {"x2apic-physical": ""} == results


def test_no_probe_follows_in_a_guest_that_failed() -> None:
    """The failure is reported, and no result of later probes."""
    booted = Faithful(good=2, lost="CPU 0: triple fault (KVM_EXIT_SHUTDOWN)")
    results = probes(booted)

    assert results == {
        "x2apic-physical": "",
        "x2apic-logical": "",
        "x2apic-shorthand": "CPU 0: triple fault (KVM_EXIT_SHUTDOWN)",
    }
    assert len(booted.tasks) == 3


class Child:
    """`attempts.main` in this process, with a fake guest."""

    def __init__(self, booted: ProbedGuest | PvbenchError) -> None:
        self.asked: list[tuple[Guest, Settings]] = []
        self._booted = booted

    @contextmanager
    def _boot(self, guest: Guest, settings: Settings) -> Iterator[ProbedGuest]:
        self.asked.append((guest, settings))
        if isinstance(self._booted, PvbenchError):
            raise self._booted
        yield self._booted

    def main(self, group: str) -> None:
        attempts.main([group, "1.5", *PROBES[group][2]], self._boot)


@pytest.mark.parametrize(
    ("group", "mode", "abi"),
    [
        ("x2apic", "x2apic", "kvm"),
        ("xapic", "xapic", "kvm"),
        ("kvm", "x2apic", "kvm"),
        ("hyperv", "x2apic", "hyperv"),
    ],
)
def test_a_child_prints_a_line_for_each_probe_result(
    capsys: pytest.CaptureFixture[str],
    group: str,
    mode: str,
    abi: str,
) -> None:
    """It first prints that its guest, of two CPUs, has booted."""
    child = Child(Faithful())
    child.main(group)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ((guest, settings),) = child.asked
    assert lines == ["begun", *([name, ""] for name in PROBES[group][2]), "ended"]
    assert (guest.apic_ids, guest.apic_mode, guest.hypercall_abi) == ((0, 1), mode, abi)
    assert (settings.execution, settings.patience_s) == ("ops", 1.5)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(
            IoctlError("KVM_GET_SUPPORTED_HV_CPUID", errno.EINVAL),
            [[name, NO_HYPERV] for name in PROBES["hyperv"][2]],
            id="for-ever",
        ),
        pytest.param(
            IoctlError("KVM_CREATE_VM", errno.ENOMEM),
            [{"refused": "KVM_CREATE_VM failed: Cannot allocate memory"}],
            id="this-time",
        ),
        pytest.param(UnavailableError("no room"), [{"refused": "no room"}], id="no-ioctl"),
    ],
)
def test_a_child_that_cannot_boot_prints_why(
    capsys: pytest.CaptureFixture[str],
    error: PvbenchError,
    expected: list[object],
) -> None:
    """Of each probe, if it will be so another time."""
    Child(error).main("hyperv")

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == expected


@pytest.mark.usefixtures("needs_kvm")
def test_this_host_has_a_probe_result_on_every_probe() -> None:
    """Any KVM emulates a local APIC; whether it has the hypercalls is not judged."""
    results = probes_of_this_host()
    failed = {name: why for name, why in results.items() if why and "apic" in name}

    assert (sorted(results), failed) == (sorted(ALL), {})
