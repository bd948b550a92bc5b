"""One slice of a task: placed in guest memory, run, and read as raw results."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from ctypes import sizeof
from typing import Final

from pvbench.delivery import Task
from pvbench.ops import Burst, Program
from pvbench.slice_result import PartialSend
from pvbench_deliver_kvm.measure import raw_result
from pvbench_deliver_kvm.measure.algorithms import (
    DRIVER_NULL,
    DRIVERS,
    OPERATIONS,
    OVERLAYS,
    rules_of,
)
from pvbench_deliver_kvm.measure.arena import Arena
from pvbench_deliver_kvm.measure.encode import decode, encode
from pvbench_deliver_kvm.measure.raw_result import HandlerCounts, RawResult
from pvbench_deliver_kvm.measure.tasks import (
    contended,
    mask_of,
    sources_of,
    targets_of,
    uses_call_queues,
    waited_for,
)
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from pvbench_deliver_kvm.vmm.commands import GuestError

_RECORD_SPARE: Final = 4096  # bytes, for an algorithm that makes too many ops


class Slice:
    """
    A task in the memory of a guest.

    Args:
        loops: how many iterations a run has.
        algorithm: the guest's own code computes the ops; else it executes a list of them.
    """

    def __init__(self, vm: GuestVm, task: Task, loops: int, *, algorithm: bool) -> None:
        self._vm, self._memory, self._task = vm, vm.memory, task
        self._loops, self._algorithm = loops, algorithm
        self._cpus = len(vm.guest.apic_ids)
        self._words = -(-self._cpus // 64)
        self._arena = Arena(vm.memory)
        self._records_partial = contended(task) and uses_call_queues(task)
        count = max(1, len(task.bursts))
        self._base = self._arena.zeros(count * sizeof(mailbox.Source))
        self.sources = [
            self._memory.source(self._base + number * sizeof(mailbox.Source))
            for number in range(count)
        ]
        for index, burst in enumerate(task.bursts):
            self._fill(self.sources[index], index, burst)
        if not task.bursts:
            self._fill_empty(self.sources[0])
        self._fill_mailbox()

    @property
    def _vectors(self) -> set[int]:
        return {v for burst in self._task.bursts for v in (burst.vector, burst.single_vector)}

    def _fill_mailbox(self) -> None:
        box, task = self._memory.mailbox, self._task
        self._vm.commands.use_vectors(self._vectors)
        box.sources, box.nsources, box.arrived = self._base, len(self.sources), 0
        box.call_queues, box.lock = uses_call_queues(task), 0
        box.take_lock = any(burst.lock for burst in task.bursts)
        for cpu in self._vm.guest.cpus:
            self._memory.cpu(cpu).call_queue = 0

    def _fill(self, source: mailbox.Source, index: int, burst: Burst) -> None:
        task, arena = self._task, self._arena
        targets = task.reached[index]
        source.cpu, source.operation = burst.source, OPERATIONS[burst.operation]
        source.vector, source.single_vector = burst.vector, burst.single_vector
        source.wait = burst.wait or task.lossy
        source.wait_idle = not contended(task)
        source.csd = uses_call_queues(task)
        source.local = burst.protocol == "csd" and burst.targets == (burst.source,)
        source.ntargets = len(targets)
        source.targets = arena.put(array("I", targets).tobytes())
        self._fill_loops(source, task.programs[index])
        source.mask = arena.put(self._bitmap(mask_of(burst)))
        if self._records_partial:
            source.partial = arena.zeros(self._loops * self._words * 8)
        self._fill_algorithm(source)

    def _fill_loops(self, source: mailbox.Source, program: Program) -> None:
        source.loops = self._loops
        source.entries = self._arena.zeros(self._cpus * sizeof(mailbox.Entry))
        source.samples = self._arena.zeros(self._loops * sizeof(mailbox.Sample))
        source.program = self._arena.put(encode(program))

    def _fill_algorithm(self, source: mailbox.Source) -> None:
        source.algorithm, source.driver = self._algorithm, DRIVER_NULL
        if self._algorithm and (algorithm := self._task.algorithm):
            source.driver = DRIVERS[algorithm.driver]
            source.overlay = OVERLAYS[algorithm.overlay]
            source.rules = rules_of(algorithm.linux)

    def _fill_empty(self, source: mailbox.Source) -> None:
        """Fill the source of a task that sends nothing."""
        self._fill_loops(source, ())

    def _bitmap(self, cpus: tuple[int, ...]) -> bytes:
        bits = sum(1 << cpu for cpu in cpus)
        return bits.to_bytes(self._words * 8, "little")

    def run(self) -> RawResult:
        """
        Let the sources send, and read what the guest recorded.

        Raises:
            GuestError: the guest is lost.
        """
        commands, sources = self._vm.commands, self.sources
        before = self._handler_counts()
        self.start(mailbox.COMMAND_RUN)
        commands.synchronise(self._unwaited())
        return RawResult(
            samples=raw_result.samples(self._memory, sources),
            handled=raw_result.handled(
                before,
                self._handler_counts(),
                vectors=self._vectors,
                start_vector=commands.start_vector,
            ),
            partial=tuple(self._partial_sends()),
            icr_writes=sum(source.icr_writes for source in sources),
            hypercalls=sum(source.hypercalls for source in sources),
            returned=sum(source.returned for source in sources),
            span_ticks=max(s.end for s in sources) - min(s.start for s in sources),
            troubles=tuple(filter(None, map(raw_result.trouble, sources))),
        )

    def start(self, command: int) -> None:
        """Let the sources carry out *command*, and return when all have completed it."""
        self._vm.commands.run(
            command,
            {source.cpu: number for number, source in enumerate(self.sources)},
            lambda: sum(source.done for source in self.sources),
        )

    def _handler_counts(self) -> list[HandlerCounts]:
        return [HandlerCounts.read(self._memory.cpu(cpu)) for cpu in self._vm.guest.cpus]

    def _unwaited(self) -> tuple[int, ...]:
        """CPUs that no source waits for, including those that nothing should be sent to."""
        targets = targets_of(self._task)
        bystanders = {*self._vm.guest.cpus} - sources_of(self._task) - targets
        unwaited = bystanders if waited_for(self._task) else bystanders | targets
        return tuple(sorted(unwaited))

    def _partial_sends(self) -> Iterator[PartialSend]:
        if not self._records_partial:
            return
        for index, source in enumerate(self.sources):
            full = self._bitmap(self._task.reached[index])
            yield from raw_result.partial_sends(self._memory, index, source, full)

    def recorded(self, index: int) -> Program:
        """
        The ops that the guest's own algorithm makes of burst *index*.

        Raises:
            GuestError: the guest is lost, or there are far more ops than expected.
        """
        source = self.sources[index]
        size = 2 * len(encode(self._task.programs[index])) + _RECORD_SPARE
        source.program = self._arena.zeros(size)
        source.program_end = source.program + size
        source.mask = self._arena.put(self._bitmap(mask_of(self._task.bursts[index])))
        self._vm.commands.run(mailbox.COMMAND_RECORD, {source.cpu: index}, lambda: 0)
        if sentence := raw_result.trouble(source):
            raise GuestError(sentence)
        return decode(array("Q", self._memory.read(source.program, size)))
