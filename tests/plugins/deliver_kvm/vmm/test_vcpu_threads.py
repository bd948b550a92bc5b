"""vCPU threads are interrupted by a signal that is never delivered to the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from pvbench.topology import parse_guest
from pvbench_deliver_kvm.measure.boot import boot_guest
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm import uapi, vcpu_threads
from pvbench_deliver_kvm.vmm.exits import Interrupted, Shutdown, VcpuExit
from pvbench_deliver_kvm.vmm.vcpu_threads import KICK, VcpuFailed, VcpuThread
from support.kvm import PATIENCE_S, answer

SETTINGS = Settings(execution="ops", patience_s=PATIENCE_S, software=True)
MOMENTS = ("before its vCPU runs", "outside KVM_RUN", "after its vCPU has run")
BEFORE, OUTSIDE, AFTER = MOMENTS


class HeldThread(VcpuThread):
    """A thread that waits at one moment of its life until it is released."""

    def __init__(
        self, moment: str, send: Callable[[int], object] = vcpu_threads.send_kick
    ) -> None:
        self.moment, self.arrived, self.release = moment, threading.Event(), threading.Event()
        self.pending = False
        vcpu: Any = SimpleNamespace(
            state=SimpleNamespace(immediate_exit=0), run=lambda: self.hold(OUTSIDE)
        )
        super().__init__(0, vcpu, SimpleQueue(), host_cpu=None, niceness=0, send=send)

    def run(self) -> None:
        self.hold(BEFORE)
        super().run()
        self.hold(AFTER)

    def hold(self, moment: str) -> VcpuExit:
        """Wait here if it is the moment; return as KVM_RUN does after a signal."""
        if moment == self.moment:
            self.arrived.set()
            self.release.wait()
            self.pending = KICK in signal.sigpending()
            self.stopping = True
        return Interrupted()


@pytest.fixture
def delivered() -> Iterator[list[int]]:
    """The numbers of delivered KICKs; by default one would end this process."""
    numbers: list[int] = []
    before = signal.signal(KICK, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(KICK, before)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kick_is_never_delivered(delivered: list[int], moment: str) -> None:
    """A thread exists before its vCPU runs, between two runs, and until its exit is over."""
    thread = HeldThread(moment)
    thread.stopping = moment == AFTER
    vcpu_threads.start([thread])
    thread.arrived.wait()
    for _ in range(100):
        thread.kick()
    thread.release.set()
    vcpu_threads.stop([thread])

    assert (delivered, thread.pending) == ([], moment == OUTSIDE)


def test_a_thread_that_has_ended_is_not_kicked() -> None:
    """Its id may belong to another thread by then."""
    kicked: list[int] = []
    thread = HeldThread("never", send=kicked.append)
    thread.stopping = True
    vcpu_threads.start([thread])
    thread.join()
    thread.kick()

    assert kicked == []


class HaltedVcpu:
    """A vCPU whose KVM_RUN ends with EINTR until its halt has ended."""

    def __init__(self) -> None:
        self.states: list[int] = []
        self.entered, self.kicked = threading.Event(), threading.Event()
        self.state = SimpleNamespace(immediate_exit=0)

    def run(self) -> VcpuExit:
        """See `Vcpu.run`; behind its hlt the guest ends."""
        self.entered.set()
        self.kicked.wait()
        return Shutdown() if self.states else Interrupted()

    def set_mp_state(self, state: int) -> None:
        """See `Vcpu.set_mp_state`."""
        self.states.append(state)


class PendingThread(VcpuThread):
    """A thread that knows at its end whether a KICK is pending."""

    pending = True

    def run(self) -> None:
        super().run()
        self.pending = KICK in signal.sigpending()


def test_a_wake_up_ends_a_halt_and_takes_its_kick(delivered: list[int]) -> None:
    """No KVM_RUN would run the guest while it is pending."""
    vcpu: Any = HaltedVcpu()
    events = SimpleQueue[Any]()
    thread = PendingThread(0, vcpu, events, host_cpu=None, niceness=0)
    vcpu_threads.start([thread])
    vcpu.entered.wait()
    thread.wake()
    vcpu.kicked.set()
    thread.join()

    assert vcpu.states == [uapi.KVM_MP_STATE_RUNNABLE]
    assert (type(events.get()), delivered, thread.pending) == (VcpuFailed, [], False)


@pytest.mark.usefixtures("needs_kvm")
def test_a_guest_ends_without_a_signal_for_its_process(delivered: list[int]) -> None:
    """Its four vCPUs are halted in KVM_RUN, which ends with EINTR."""
    with boot_guest(parse_guest("dense:4"), SETTINGS):
        pass

    assert delivered == []


@pytest.mark.usefixtures("needs_kvm")
def test_a_vcpu_can_be_interrupted_by_the_kick_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """KVM_SET_SIGNAL_MASK takes the size of a sigset, and a set bit for a blocked signal."""
    masks: list[bytes] = []

    def note(calls: int, argument: Any) -> None:
        masks.append(argument.raw[:12])

    answer(monkeypatch, "KVM_SET_SIGNAL_MASK", note)
    with boot_guest(parse_guest("dense:2"), SETTINGS):
        pass

    assert masks == [bytes.fromhex("08000000 fffdffffffffffff")] * 2
