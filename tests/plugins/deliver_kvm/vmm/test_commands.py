"""Commands are waited for, and an event of a failing CPU ends the wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from queue import SimpleQueue
from types import SimpleNamespace
from typing import cast

import attrs
import pytest

from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.commands import Commands, GuestError
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory
from pvbench_deliver_kvm.vmm.vcpu_threads import (
    CommandDone,
    Event,
    GuestException,
    VcpuFailed,
    VcpuThread,
)
from pvbench_deliver_kvm.vmm.vm import Vm

APIC_IDS = (0, 40, 80)


class FakeVm:
    """
    CPUs that answer each MSI with an event and a handler run.

    Args:
        answers: the event of each CPU, by APIC ID.
    """

    def __init__(self, memory: GuestMemory, answers: dict[int, Event]) -> None:
        self.memory, self.answers = memory, answers
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.signalled: list[tuple[int, int]] = []

    def signal_msi(self, apic_id: int, vector: int) -> None:
        """See `Vm.signal_msi`."""
        self.signalled.append((apic_id, vector))
        self.memory.cpu(APIC_IDS.index(apic_id)).runs[vector] += 1
        if apic_id in self.answers:
            self.events.put(self.answers[apic_id])


@pytest.fixture
def memory() -> Iterator[GuestMemory]:
    """Of a guest that does not run."""
    with closing(GuestMemory()) as memory:
        yield memory


def commands_of(vm: FakeVm, patience_s: float = 60) -> Commands:
    """Commands to three CPUs."""
    thread = cast("VcpuThread", SimpleNamespace(events=vm.events))
    return Commands(cast("Vm", vm), vm.memory, APIC_IDS, [thread], patience_s=patience_s)


def test_a_command_is_written_signalled_and_waited_for(memory: GuestMemory) -> None:
    """CPU 0 uses source 1, CPU 2 source 0; CPU 1 has no command."""
    vm = FakeVm(memory, {0: CommandDone(0), 80: CommandDone(2)})
    commands_of(vm).run(mailbox.COMMAND_RUN, {0: 1, 2: 0}, lambda: 0)

    assert vm.signalled == [(0, 0x20), (80, 0x20)]
    assert [memory.cpu(cpu).command for cpu in range(3)] == [mailbox.COMMAND_RUN, 0, 1]
    assert [memory.cpu(cpu).source for cpu in range(3)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            GuestException(1),
            r"^CPU 1 raised #PF \(vector 14\), error code 0x2, at RIP 0x100000, CR2 0x30$",
        ),
        (VcpuFailed(1, "triple fault"), "^CPU 1: triple fault$"),
    ],
    ids=["exception", "exit"],
)
def test_a_cpu_that_fails_ends_its_command(
    memory: GuestMemory, event: Event, message: str
) -> None:
    """The guest's handler has recorded the exception."""
    cpu = memory.cpu(1)
    cpu.fault_vector, cpu.fault_error, cpu.fault_rip, cpu.fault_cr2 = 14, 2, 0x10_0000, 0x30

    with pytest.raises(GuestError, match=message):
        commands_of(FakeVm(memory, {40: event})).run(mailbox.COMMAND_RUN, {1: 0}, lambda: 0)


def test_synchronised_cpus_handle_two_msis_each(memory: GuestMemory) -> None:
    """The first may overtake an interrupt of its own priority."""
    vm = FakeVm(memory, {})
    commands_of(vm).synchronise((1, 2))

    assert vm.signalled == [(40, 0x20), (80, 0x20)] * 2


@attrs.define
class FakeThread:
    """The thread of a halted vCPU, which continues after some wake-ups."""

    events: SimpleQueue[Event]
    needed: int
    event: Event
    wakes: int = 0

    def wake(self) -> None:
        """See `VcpuThread.wake`."""
        self.wakes += 1
        if self.wakes == self.needed:
            self.events.put(self.event)


def commands_to(memory: GuestMemory, *threads: FakeThread, patience_s: float = 60) -> Commands:
    """Commands to CPUs whose APICs are disabled."""
    vm = cast("Vm", FakeVm(memory, {}))
    return Commands(
        vm, memory, APIC_IDS, cast("list[VcpuThread]", [*threads]), patience_s=patience_s
    )


def test_a_cpu_that_takes_no_interrupt_is_woken_until_it_has_run(memory: GuestMemory) -> None:
    """It may not be halted yet; one that is done is left alone."""
    events: SimpleQueue[Event] = SimpleQueue()
    threads = [FakeThread(events, n + 1, CommandDone(n)) for n in range(2)]
    commands_to(memory, *threads).run_disabled(mailbox.COMMAND_RUN, {0: 1, 1: 0})

    assert [memory.cpu(cpu).command for cpu in range(3)] == [mailbox.COMMAND_RUN] * 2 + [0]
    assert [memory.cpu(cpu).source for cpu in range(2)] == [1, 0]
    assert [thread.wakes for thread in threads] == [1, 2]


@pytest.mark.parametrize(
    ("needed", "message"),
    [(1, "^CPU 0: triple fault$"), (1 << 40, "^CPU 0 does not wake up$")],
    ids=["fails", "never"],
)
def test_a_cpu_that_does_not_wake_up_is_given_up(
    memory: GuestMemory, needed: int, message: str
) -> None:
    """It has no patience here."""
    thread = FakeThread(SimpleQueue(), needed, VcpuFailed(0, "triple fault"))
    with pytest.raises(GuestError, match=message):
        commands_to(memory, thread, patience_s=0).run_disabled(mailbox.COMMAND_RUN, {0: 0})


@pytest.mark.parametrize(
    ("vectors", "expected"), [({0xFB}, 0x20), ({0x20, 0xFB}, 0x21), (set(), 0x20)]
)
def test_cpus_are_started_by_a_vector_that_no_burst_has(
    memory: GuestMemory, vectors: set[int], expected: int
) -> None:
    """Its handler runs are not counted as those of a burst."""
    commands = commands_of(FakeVm(memory, {}))
    commands.use_vectors(vectors)

    assert (commands.start_vector, memory.mailbox.start_vector) == (expected, expected)


def test_a_guest_that_makes_progress_is_waited_for(memory: GuestMemory) -> None:
    """Its command takes longer than the patience with a guest that does nothing."""
    vm = FakeVm(memory, {})
    numbers = iter((1, 2, 3))

    def progress() -> int:
        number = next(numbers)
        if number == 3:
            vm.events.put(CommandDone(0))
        return number

    commands_of(vm, patience_s=0.001).run(mailbox.COMMAND_RUN, {0: 0}, progress)

    assert list(numbers) == []
