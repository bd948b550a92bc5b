"""A host with fewer counters: the guest boots, and its slice results claim less."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from pvbench.delivery import Task
from pvbench.ops import Burst, Fence, Op, WrMsr
from pvbench.slice_result import SliceResult
from pvbench.topology import parse_guest
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.vmm import booted_guest
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from support.kvm import process_state, refuse, start_of

pytestmark = pytest.mark.usefixtures("needs_kvm")

Patch = pytest.MonkeyPatch

SERIES = {"send", "ack", "wall"}  # and deliver, where TSCs agree


@contextmanager
def booted_vm(cpus: int = 2) -> Iterator[GuestVm]:
    """A guest, which releases all that it took."""
    before = process_state()
    with booted_guest.booted_vm(parse_guest(f"dense:{cpus}"), start_of()) as guest:
        yield guest
    assert before == process_state()


def slice_result_of(*program: Op, target: int = 1) -> SliceResult:
    """Of 20 bursts of CPU 0 in a guest of two."""
    burst = Burst(source=0, operation="send_IPI_mask", targets=(target,), vector=0xFB)
    task = Task(
        bursts=(burst,),
        programs=(program,),
        reached=((target,),),
        program_for=lambda burst, cpus: (),
    )
    with booted_vm() as guest, closing(KvmBootedGuest(guest, execution="ops")) as booted:
        result = booted.load(task).run(loops=20, warmup=1)
    assert result.faults == ()
    return result


def unicast() -> SliceResult:
    """An IPI to CPU 1."""
    return slice_result_of(Fence(), WrMsr(0x830, 1 << 32 | 0xFB))


@pytest.mark.parametrize("number", [errno.ENOTTY, errno.EMFILE], ids=errno.errorcode.get)
def test_without_counters_the_guest_s_counts_are_the_proof(
    monkeypatch: Patch, number: int
) -> None:
    """A count that only KVM has is unknown, not zero."""
    refuse(monkeypatch, "KVM_GET_STATS_FD", number)

    result = unicast()

    assert result.counts.handlers == (0, 20)
    assert (result.counts.icr_writes, result.counts.hypercalls) == (20, 0)
    assert result.counts.exits is None
    assert result.counts.wakeups_polled is None
    assert result.counts.wakeups_blocked is None
    assert result.facts["kvm_counters"] == "none"
    assert result.facts["hypercall_proof"] == "the guest's own count"
    assert result.target_state == "unknown"


def test_without_tsc_offsets_the_tscs_are_not_known_to_agree(monkeypatch: Patch) -> None:
    """KVM_VCPU_TSC_OFFSET is from Linux 5.16; without it there is no deliver."""
    refuse(monkeypatch, "KVM_GET_DEVICE_ATTR", errno.ENXIO)

    result = unicast()

    assert result.facts["tsc_offsets"] == "unknown or different"
    assert set(result.distributions) == SERIES


def test_a_self_ipi_is_timed_by_one_tsc(monkeypatch: Patch) -> None:
    """`deliver` therefore exists although the TSCs may differ."""
    refuse(monkeypatch, "KVM_GET_DEVICE_ATTR", errno.ENXIO)

    result = slice_result_of(WrMsr(0x83F, 0xFB), target=0)

    assert set(result.distributions) == SERIES | {"deliver"}


@pytest.mark.parametrize(("cpus", "expected"), [(1, True), (2, False)])
def test_one_cpu_agrees_with_itself(monkeypatch: Patch, cpus: int, expected: bool) -> None:
    """Its offset need not be known."""
    refuse(monkeypatch, "KVM_GET_DEVICE_ATTR", errno.ENXIO)

    with booted_vm(cpus) as guest:
        agree = guest.tscs_agree

    assert expected is agree
