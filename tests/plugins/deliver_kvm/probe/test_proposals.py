"""The ABI that a KVM serves is found by its behaviour, whatever the KVM is called."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import Sends
from pvbench.delivery import LoadedTask, Task
from pvbench.errors import UnavailableError
from pvbench.guest import Guest
from pvbench.host import pv_ipi_abi
from pvbench.ops import Hypercall, Op, Program
from pvbench.slice_result import Counts, SliceResult
from pvbench.trials import Ending, Outcome, Programs
from pvbench_deliver_kvm.measure.hypercall_abis import NOT_SERVED
from pvbench_deliver_kvm.probe.attempts import attempts
from pvbench_deliver_kvm.probe.programs import PROPOSALS, VECTOR, guest_of, task_of
from support.loaded import Loaded

MERGED, (V3, CLUSTER128, CLUSTER192) = "kvm-hypercall", PROPOSALS
# The arguments that KVM reads in each ABI; the guest sets the other registers to 0.
ARGUMENTS = {"kvm": 4, "kvm-v3": 3, "kvm-cluster128": 3, "kvm-cluster192": 4}


@attrs.define
class FakeKvm:
    """
    A booted guest on a KVM that serves one ABI, as the decoder does.

    Args:
        abi: which ABI; a site may set it.
        guest: the guest that is booted.
        states: what idle CPUs do in each execution.
    """

    abi: str
    guest: Guest = attrs.field(factory=lambda: guest_of("proposals"))
    states: list[str] = attrs.field(factory=list)

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        self.states.append(target_state)
        ((source, program),) = programs
        sends = self._sends(source, program)
        hits = Counter((cpu, send.vector) for send in sends for cpu in send.cpus.tolist())
        return Outcome(hits, (Ending(sum(send.result or 0 for send in sends) % (1 << 64)),))

    def load(self, task: Task) -> LoadedTask:
        return Loaded(self._slice_of, task)

    def _slice_of(self, task: Task, *, loops: int, warmup: int) -> SliceResult:
        sends = self._sends(0, task.programs[0])
        runs = Counter(cpu for send in sends for cpu in send.cpus.tolist())
        handlers = [loops * runs[cpu] for cpu in self.guest.cpus]
        counts = Counts(
            icr_writes=0,
            hypercalls=loops,
            returned=0,
            handlers=handlers,
            coalesced=None,
            functions=handlers,
        )
        return SliceResult(loops=loops, distributions={}, counts=counts)

    def _sends(self, source: int, program: Program) -> list[Sends]:
        host = attrs.evolve(self.guest, hypercall_abi=self.abi)
        return Decoder(host, source).sends(tuple(map(self._registers, program)))

    def _registers(self, op: Op) -> Op:
        if not isinstance(op, Hypercall):
            return op
        return Hypercall(op.nr, (*op.args, 0, 0)[: ARGUMENTS[self.abi]])


def served(abi: str) -> set[str]:
    """The probes that pass on a host of one ABI."""
    results = dict(attempts(FakeKvm(abi), "proposals"))
    results |= attempts(FakeKvm(abi, guest_of("kvm")), "kvm")
    return {name for name, reason in results.items() if not reason}


@pytest.mark.parametrize(
    ("abi", "expected"),
    [
        ("kvm", {MERGED}),
        ("kvm-v3", {V3}),
        ("kvm-cluster128", {V3, CLUSTER128}),
        ("kvm-cluster192", {CLUSTER192}),
    ],
)
def test_a_host_passes_the_probes_of_what_it_serves(abi: str, expected: set[str]) -> None:
    """A call of patch v3 is a call of the ABI with clusters of 128, to cluster 0."""
    assert served(abi) == expected


def test_a_merged_call_with_min_0_proves_nothing() -> None:
    """In clusters of 192 it is a call to cluster 0, which reaches the same CPU."""
    program = (Hypercall(10, (2, 0, 0, VECTOR)),)
    guests = [FakeKvm(abi, guest_of("kvm")) for abi in ("kvm", "kvm-cluster192")]
    results = [guest.load(task_of(MERGED, program)).run(loops=3, warmup=0) for guest in guests]

    assert [result.counts.handlers for result in results] == [(0, 3), (0, 3)]


def test_no_cpu_spins_for_an_answer() -> None:
    """All CPUs halt, so the probes are safe on any KVM."""
    guest = FakeKvm("kvm")
    list(attempts(guest, "proposals"))

    assert guest.states == ["halted"] * 3


def test_each_proposal_is_tried_while_the_host_serves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A site whose KVM has several ABIs chooses one before each probe."""
    guest = FakeKvm("kvm")
    monkeypatch.setattr(pv_ipi_abi, "serve", lambda abi: setattr(guest, "abi", abi))

    assert dict(attempts(guest, "proposals")) == dict.fromkeys(PROPOSALS, "")


@attrs.frozen
class Answers:
    """A guest whose raw programs have one outcome."""

    outcome: Outcome | UnavailableError

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        if isinstance(self.outcome, UnavailableError):
            raise self.outcome
        return self.outcome

    def load(self, task: Task) -> LoadedTask:
        raise AssertionError("proposals are raw programs")


@pytest.mark.parametrize(
    ("hits", "returned", "expected"),
    [
        pytest.param([(1, VECTOR)], 3, "", id="served"),
        pytest.param([(1, VECTOR)], 0, NOT_SERVED, id="returns-0"),
        pytest.param([(1, VECTOR)], 2**64 - 3000, NOT_SERVED, id="returns-an-error"),
        pytest.param([], 3, NOT_SERVED, id="reaches-no-cpu"),
        pytest.param([(0, VECTOR)], 3, NOT_SERVED, id="reaches-another-cpu"),
        pytest.param([(1, VECTOR), (0, VECTOR)], 3, NOT_SERVED, id="reaches-two"),
        pytest.param([(1, 0x20)], 3, NOT_SERVED, id="another-vector"),
    ],
)
def test_a_call_must_return_the_number_of_cpus_and_reach_its_target(
    hits: list[tuple[int, int]], returned: int, expected: str
) -> None:
    """Three calls are made at once, so an interrupt may coalesce with an earlier one."""
    outcome = Outcome(dict.fromkeys(hits, 1), (Ending(returned),))

    assert dict(attempts(Answers(outcome), "proposals", [V3])) == {V3: expected}


def test_a_call_that_raises_an_exception_is_not_served() -> None:
    """The instruction itself does not work, which the probe of the merged call reports."""
    outcome = Outcome(endings=(Ending(fault_vector=6, fault_op=0),))

    assert dict(attempts(Answers(outcome), "proposals", [V3])) == {V3: NOT_SERVED}


def test_no_proposal_is_tried_in_a_guest_that_failed() -> None:
    """The rest needs another guest."""
    guest = Answers(UnavailableError("CPU 0: triple fault"))

    assert dict(attempts(guest, "proposals")) == {V3: "CPU 0: triple fault"}
