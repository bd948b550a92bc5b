"""Execute raw programs once and read what happened, for `pvbench.trials`."""

from __future__ import annotations

from array import array

from pvbench.delivery import Task
from pvbench.ops import Burst, Program, Scan
from pvbench.sequences import INPUT_PAGE_BASE, PAGE_SIZE
from pvbench.trials import Ending, Outcome, Programs
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


def execute(vm: GuestVm, task: Task) -> Outcome:
    """
    Execute the programs of *task* once, and wait until every interrupt is handled.

    Raises:
        GuestError: the guest is lost.
    """
    cpus = tuple(vm.guest.cpus)
    vm.memory.clear(INPUT_PAGE_BASE, len(cpus) * PAGE_SIZE)
    placed = Slice(vm, task, 1, algorithm=False)
    before = [_runs(vm, cpu) for cpu in cpus]
    placed.start(mailbox.COMMAND_RUN)
    vm.commands.synchronise(cpus)
    own = vm.commands.start_vector
    hits = {
        (cpu, vector): runs - before[cpu][vector]
        for cpu in cpus
        for vector, runs in enumerate(_runs(vm, cpu))
        if runs != before[cpu][vector] and vector != own
    }
    return Outcome(hits, tuple(map(_ending, placed.sources)))


def _runs(vm: GuestVm, cpu: int) -> array[int]:
    """How often a CPU has handled each vector since its boot."""
    return array("I", bytes(vm.memory.cpu(cpu).runs))


def _ending(source: mailbox.Source) -> Ending:
    if source.trouble == mailbox.TROUBLE_OP_FAULT:
        return Ending(source.returned, source.where >> 24, source.where & 0xFF_FFFF)
    if sentence := raw_result.trouble(source):
        raise GuestError(sentence)
    return Ending(source.returned)
