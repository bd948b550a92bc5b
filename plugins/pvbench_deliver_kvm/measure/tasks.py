"""Questions about a task, answered from the task alone."""

from __future__ import annotations

from pvbench.delivery import Task
from pvbench.ops import Burst, IrqRestore, IrqSave


def sources_of(task: Task) -> set[int]:
    """The CPUs that send IPIs."""
    return {burst.source for burst in task.bursts}


def targets_of(task: Task) -> set[int]:
    """The CPUs to which IPIs are sent."""
    return {cpu for cpus in task.reached for cpu in cpus}


def contended(task: Task) -> bool:
    """Whether two sources share a target, or a source is the target of another source."""
    sources, earlier_targets = sources_of(task), set[int]()
    for cpus in task.reached:
        if earlier_targets & set(cpus) or (len(sources) > 1 and sources & set(cpus)):
            return True
        earlier_targets |= set(cpus)
    return False


def uses_call_queues(task: Task) -> bool:
    """
    Whether the targets have call queues.

    A lossy task has none, because a lost request would stay in its queue forever.
    """
    return not task.lossy and any(burst.protocol == "csd" for burst in task.bursts)


def waited_for(task: Task) -> bool:
    """Whether sources wait for every request that they send."""
    return not task.lossy and all(burst.wait for burst in task.bursts)


def mask_of(burst: Burst) -> tuple[int, ...]:
    """The cpumask that the operation is called with; a function call omits the caller."""
    if burst.protocol == "csd":
        return tuple(cpu for cpu in burst.targets if cpu != burst.source)
    return burst.targets


def stack_name(task: Task) -> str:
    """The name of the task's algorithm, ``overlay/driver``; empty without one."""
    algorithm = task.algorithm
    return "/".join(filter(None, (algorithm.overlay, algorithm.driver))) if algorithm else ""


def null_task(cpus: tuple[int, ...]) -> Task:
    """A burst to *cpus* that disables and enables interrupts and sends nothing."""
    return Task(
        bursts=(Burst(source=0, operation="send_IPI_mask", targets=cpus, wait=False),),
        programs=((IrqSave(), IrqRestore()),),
        reached=((),),
        program_for=lambda burst, cpus: (),
    )
