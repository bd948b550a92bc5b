"""Raw programs in a guest: what is read of its memory afterwards; the guest is a fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest

from pvbench.ops import Fence, IrqSave, Program, Scan, WrMsr
from pvbench.trials import Ending, Outcome
from pvbench_deliver_kvm.measure.encode import decode
from pvbench_deliver_kvm.measure.execution import execute
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory
from support.helpers import INPUT_PAGE, guest_of

OWN = 0x20  # the vector that starts a CPU


@attrs.define
class FakeCommands:
    """Commands to CPUs that do what a test says when they are run."""

    memory: GuestMemory
    effect: Callable[[GuestMemory], None]
    start_vector: int = OWN
    synchronised: tuple[int, ...] = ()
    woken: list[tuple[int, Program]] = attrs.field(factory=list)

    def use_vectors(self, vectors: set[int]) -> None:
        """The start vector is a fixed one here."""

    def run(self, command: int, sources: dict[int, int], progress: Callable[[], int]) -> None:
        """The effect, and the handler that starts each source."""
        assert (command, progress()) == (mailbox.COMMAND_RUN, 0)
        for cpu in sources:
            self.memory.cpu(cpu).runs[OWN] += 1
        self.effect(self.memory)

    def run_disabled(self, command: int, sources: dict[int, int]) -> None:
        """Note the programs of the sources and which CPUs were waited for before."""
        for number, cpu in enumerate(sources):
            placed = source(self.memory, number)
            assert (command, sources[cpu], placed.cpu) == (mailbox.COMMAND_RUN, number, cpu)
            words = self.memory.read(placed.program, 64)
            self.woken.append((cpu, decode(memoryview(words).cast("Q").tolist())))

    def synchronise(self, cpus: tuple[int, ...]) -> None:
        """Remember which CPUs were waited for."""
        self.synchronised = cpus


@pytest.fixture
def memory() -> Iterator[GuestMemory]:
    """The memory of a guest, with a dirty input page."""
    with closing(GuestMemory()) as memory:
        memory.write(INPUT_PAGE + 4096, b"dirty")
        yield memory


def vm_of(memory: GuestMemory, effect: Callable[[GuestMemory], None]) -> Any:
    """A guest of three CPUs."""
    return SimpleNamespace(
        guest=guest_of(range(3)), memory=memory, commands=FakeCommands(memory, effect)
    )


def source(memory: GuestMemory, number: int = 0) -> mailbox.Source:
    """The struct of a source, as the guest finds it."""
    return memory.source(memory.mailbox.sources + number * 192)


def test_hits_are_what_the_handlers_add(memory: GuestMemory) -> None:
    """Earlier runs and the vector that starts a CPU are not counted."""
    memory.cpu(2).runs[0x40] = 7

    def effect(memory: GuestMemory) -> None:
        memory.cpu(2).runs[0x40] += 2
        memory.cpu(1).runs[2] += 1
        source(memory).returned, source(memory, 1).returned = 5, 6

    vm = vm_of(memory, effect)
    programs = ((0, (Fence(),)), (1, ()))

    assert execute(cast("GuestVm", vm), programs, "halted") == Outcome(
        {(2, 0x40): 2, (1, 2): 1}, (Ending(5), Ending(6))
    )
    assert vm.commands.synchronised == (0, 1, 2)


def test_input_pages_are_cleared_and_scans_left_out(memory: GuestMemory) -> None:
    """The program is in memory as ops, once for each source."""
    programs = []

    def effect(memory: GuestMemory) -> None:
        words = memory.read(source(memory).program, 256)
        programs.append(decode(memoryview(words).cast("Q").tolist()))

    vm = vm_of(memory, effect)
    program = (IrqSave(), Scan(8), WrMsr(0x830, 1))
    execute(cast("GuestVm", vm), ((2, program),), "running")

    assert programs == [(IrqSave(), WrMsr(0x830, 1))]
    assert memory.read(INPUT_PAGE + 4096, 5) == bytes(5)
    assert (source(memory).cpu, source(memory).loops, source(memory).ntargets) == (2, 1, 0)


def test_programs_that_disable_apics_are_executed_first(memory: GuestMemory) -> None:
    """Afterwards these APICs are enabled again, by CPUs that are woken."""
    runs: list[list[int]] = []

    def effect(memory: GuestMemory) -> None:
        count = memory.mailbox.nsources
        runs.append([source(memory, number).cpu for number in range(count)])
        source(memory).returned = len(runs)

    vm = vm_of(memory, effect)
    off = (WrMsr(0x80F, 0xFF),)
    outcome = execute(cast("GuestVm", vm), ((2, off), (0, (Fence(),)), (1, off)), "halted")

    assert (runs, vm.commands.woken) == (
        [[2, 1], [0]],
        [(c, (WrMsr(0x80F, 0x1FF),)) for c in (2, 1)],
    )
    assert outcome == Outcome({}, (Ending(1), Ending(2), Ending(0)))


def test_a_fault_has_its_vector_and_op(memory: GuestMemory) -> None:
    """The values that hypercalls returned are known all the same."""

    def effect(memory: GuestMemory) -> None:
        source(memory).trouble, source(memory).where = mailbox.TROUBLE_OP_FAULT, 13 << 24 | 2
        source(memory).returned = 3

    vm = vm_of(memory, effect)

    assert execute(cast("GuestVm", vm), ((0, ()),), "halted") == Outcome(
        {}, (Ending(3, 13, 2),)
    )


def test_other_trouble_loses_the_guest(memory: GuestMemory) -> None:
    """A source that waits in vain for the others says so."""

    def effect(memory: GuestMemory) -> None:
        source(memory).trouble, source(memory).where = mailbox.TROUBLE_ALONE, 1

    vm = vm_of(memory, effect)

    with pytest.raises(GuestError, match="only 1 sources were ready"):
        execute(cast("GuestVm", vm), ((0, ()), (1, ())), "halted")
