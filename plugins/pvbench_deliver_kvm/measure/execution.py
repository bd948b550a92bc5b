"""Execute raw programs once and read what happened, for `pvbench.trials`."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from pvbench.delivery import Task
from pvbench.ops import Burst, Program, Scan
from pvbench.sequences import INPUT_PAGE_BASE, PAGE_SIZE
from pvbench.trials import Ending, Outcome, Programs, disabled_by, spiv_write
from pvbench_deliver_kvm.measure import raw_result
from pvbench_deliver_kvm.measure.slices import Slice
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from pvbench_deliver_kvm.vmm.commands import GuestError


def task_of(programs: Programs, target_state: str) -> Task:
    """The task whose sources execute *programs*; a scan has no instruction."""
    return Task(
        bursts=tuple(_burst(source) for source, _ in programs),
        programs=tuple(_without_scans(program) for _, program in programs),
        reached=((),) * len(programs),
        program_for=lambda burst, cpus: (),
        target_state=target_state,
    )


def _burst(source: int) -> Burst:
    return Burst(source=source, operation="send_IPI_mask", wait=False)


def _without_scans(program: Program) -> Program:
    return tuple(op for op in program if not isinstance(op, Scan))


def execute(vm: GuestVm, programs: Programs, target_state: str) -> Outcome:
    """
    Execute *programs* once, and wait until every interrupt is handled.

    Raises:
        GuestError: the guest is lost.
    """
    cpus, mode = tuple(vm.guest.cpus), vm.guest.apic_mode
    vm.memory.clear(INPUT_PAGE_BASE, len(cpus) * PAGE_SIZE)
    before = [_runs(vm, cpu) for cpu in cpus]
    disabled = disabled_by(programs, mode)
    endings = _run(vm, [pair for pair in programs if pair[0] in disabled], target_state)
    endings |= _run(vm, [pair for pair in programs if pair[0] not in disabled], target_state)
    _enable(vm, [cpu for cpu, _ in programs if cpu in disabled], target_state)
    vm.commands.synchronise(cpus)
    own = vm.commands.start_vector
    hits = {
        (cpu, vector): runs - before[cpu][vector]
        for cpu in cpus
        for vector, runs in enumerate(_runs(vm, cpu))
        if runs != before[cpu][vector] and vector != own
    }
    return Outcome(hits, tuple(endings[source] for source, _ in programs))


def _run(vm: GuestVm, programs: Sequence[tuple[int, Program]], state: str) -> dict[int, Ending]:
    """Let sources execute programs at the same time; return how each ended."""
    if not programs:
        return {}
    placed = Slice(vm, task_of(tuple(programs), state), 1, algorithm=False)
    placed.start(mailbox.COMMAND_RUN)
    return {source.cpu: _ending(source) for source in placed.sources}


def _enable(vm: GuestVm, cpus: list[int], state: str) -> None:
    """
    Let CPUs enable their APICs again.

    They have handled all NMIs by then, which come before the next instruction.
    """
    if cpus:
        enabling = (spiv_write(vm.guest.apic_mode, enabled=True),)
        Slice(vm, task_of(tuple((cpu, enabling) for cpu in cpus), state), 1, algorithm=False)
        numbers = {cpu: number for number, cpu in enumerate(cpus)}
        vm.commands.run_disabled(mailbox.COMMAND_RUN, numbers)


def _runs(vm: GuestVm, cpu: int) -> array[int]:
    """How often a CPU has handled each vector since its boot."""
    return array("I", bytes(vm.memory.cpu(cpu).runs))


def _ending(source: mailbox.Source) -> Ending:
    if source.trouble == mailbox.TROUBLE_OP_FAULT:
        return Ending(source.returned, source.where >> 24, source.where & 0xFF_FFFF)
    if sentence := raw_result.trouble(source):
        raise GuestError(sentence)
    return Ending(source.returned)
