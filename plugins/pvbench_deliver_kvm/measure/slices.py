"""One slice of a task: into guest memory, run, and out again as raw results."""

from __future__ import annotations

import struct
from array import array
from collections import Counter
from collections.abc import Iterator
from ctypes import sizeof

import attrs

from pvbench.delivery import Task
from pvbench.ops import Burst, Program
from pvbench.slice_result import PartialSend
from pvbench_deliver_kvm.measure.algorithms import DRIVER_NULL, DRIVERS, OPERATIONS, OVERLAYS
from pvbench_deliver_kvm.measure.encode import decode, encode
from pvbench_deliver_kvm.vmm import layout, mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.faults import exception_name

SERIES = ("send", "irqoff", "deliver", "ack", "wall")


class Arena:
    """Guest memory handed out from the front; each slice starts anew."""

    def __init__(self, guest: GuestVm) -> None:
        self._guest = guest
        self._at = layout.FREE_BASE

    def room(self, size: int) -> int:
        """Address of *size* bytes of zeros, on a cache line."""
        at = self._at
        self._at += (size + 63) // 64 * 64
        if self._at > layout.MEMORY_SIZE:
            free = (layout.MEMORY_SIZE - layout.FREE_BASE) >> 20
            raise GuestError(f"the task needs more than the guest's {free} MiB")
        self._guest.memory.clear(at, size)
        return at

    def put(self, data: bytes) -> int:
        """Address of *data*."""
        at = self.room(len(data))
        self._guest.memory.write(at, data)
        return at


@attrs.frozen(kw_only=True)
class Handled:
    """What each CPU's handlers did in a slice, by CPU number."""

    runs: tuple[int, ...]
    functions: tuple[int, ...]
    strange: tuple[int, ...]  # runs for vectors nobody sent


@attrs.frozen(kw_only=True)
class Result:
    """
    Raw results of a slice.

    Args:
        samples: single bursts by series, in ticks.
        troubles: sentences about sources that stopped early.
    """

    samples: dict[str, list[int]]
    handled: Handled
    partial: tuple[PartialSend, ...]
    icr_writes: int
    hypercalls: int
    returned: int
    span_ticks: int
    troubles: tuple[str, ...]


def contended(task: Task) -> bool:
    """Sources meet: on a target, or one is the target of another."""
    sources = {burst.source for burst in task.bursts}
    met: set[int] = set()
    for cpus in task.reached:
        if met & set(cpus) or (len(sources) > 1 and sources & set(cpus)):
            return True
        met |= set(cpus)
    return False


def uses_lists(task: Task) -> bool:
    """Targets have call lists; what is lost would stay in one for ever."""
    return not task.lossy and any(burst.protocol == "csd" for burst in task.bursts)


class Slice:
    """A task in the memory of a guest."""

    def __init__(self, guest: GuestVm, task: Task, loops: int, *, call: bool) -> None:
        self._guest, self._task, self._loops, self._call = guest, task, loops, call
        self._cpus = len(guest.guest.apic_ids)
        self._words = (self._cpus + 63) // 64
        self._arena = Arena(guest)
        self._log = contended(task) and uses_lists(task)
        count = max(1, len(task.bursts))
        self._base = self._arena.room(count * sizeof(mailbox.Source))
        for index, burst in enumerate(task.bursts):
            self._fill(self._source(index), index, burst)
        if not task.bursts:
            self._fill_empty(self._source(0))
        self._address(count)

    def _source(self, index: int) -> mailbox.Source:
        at = self._base + index * sizeof(mailbox.Source)
        return self._guest.memory.source(at)

    def _sources(self) -> list[mailbox.Source]:
        return [self._source(index) for index in range(max(1, len(self._task.bursts)))]

    def _address(self, count: int) -> None:
        box, task = self._guest.memory.mailbox, self._task
        self._guest.commands.use_vectors(
            {v for b in task.bursts for v in (b.vector, b.single_vector)}
        )
        box.sources, box.nsources, box.arrived = self._base, count, 0
        box.lists, box.lock = uses_lists(task), 0
        box.take_lock = any(burst.lock for burst in task.bursts)
        for cpu in self._guest.guest.cpus:
            self._guest.memory.cpu(cpu).call_list = 0

    def _fill(self, source: mailbox.Source, index: int, burst: Burst) -> None:
        task, arena = self._task, self._arena
        lists = uses_lists(task)
        reached = task.reached[index]
        operation = OPERATIONS[burst.operation]
        source.cpu, source.operation = burst.source, operation
        source.vector, source.single_vector = burst.vector, burst.single_vector
        source.wait = burst.wait or task.lossy
        source.wait_idle = not contended(task)
        source.csd = lists
        source.local = burst.protocol == "csd" and burst.targets == (burst.source,)
        source.loops, source.ntargets = self._loops, len(reached)
        source.targets = arena.put(array("I", reached).tobytes())
        source.entries = arena.room(self._cpus * sizeof(mailbox.Entry))
        source.samples = arena.room(self._loops * sizeof(mailbox.Sample))
        source.program = arena.put(encode(task.programs[index]))
        source.mask = arena.put(self._mask(_mask_of(burst)))
        if self._log:
            source.partial = arena.room(self._loops * self._words * 8)
        source.algorithm = self._call
        if task.algorithm and self._call:
            source.driver = DRIVERS[task.algorithm.driver]
            source.overlay = OVERLAYS[task.algorithm.overlay]
            source.shorthands = task.algorithm.shorthands
        else:
            source.driver = DRIVER_NULL

    def _fill_empty(self, source: mailbox.Source) -> None:
        """An iteration that sends nothing."""
        source.loops = self._loops
        source.entries = self._arena.room(self._cpus * sizeof(mailbox.Entry))
        source.samples = self._arena.room(self._loops * sizeof(mailbox.Sample))
        source.program = self._arena.put(encode(()))

    def _mask(self, cpus: tuple[int, ...]) -> bytes:
        bits = sum(1 << cpu for cpu in cpus)
        return bits.to_bytes(self._words * 8, "little")

    def run(self) -> Result:
        """
        Let the sources send; raw results.

        Raises:
            GuestError: the guest is lost.
        """
        guest, sources = self._guest, self._sources()
        before = self._seen()
        guest.commands.run(
            mailbox.COMMAND_RUN,
            {source.cpu: index for index, source in enumerate(sources)},
            lambda: sum(source.done for source in sources),
        )
        guest.commands.synchronise(self._unwaited())
        samples = list(map(self._samples, sources))
        return Result(
            samples={
                name: [s[name] for one in samples for s in one if s[name]] for name in SERIES
            },
            handled=self._handled(before, self._seen()),
            partial=tuple(self._partial(sources)),
            icr_writes=sum(source.icr_writes for source in sources),
            hypercalls=sum(source.hypercalls for source in sources),
            returned=sum(source.returned for source in sources),
            span_ticks=max(s.end for s in sources) - min(s.start for s in sources),
            troubles=tuple(filter(None, map(trouble, sources))),
        )

    def _unwaited(self) -> tuple[int, ...]:
        """CPUs that no source waits for; also those which nothing should be sent to."""
        task = self._task
        targets = {cpu for cpus in task.reached for cpu in cpus}
        bystanders = set(self._guest.guest.cpus) - {b.source for b in task.bursts} - targets
        waited = not task.lossy and all(burst.wait for burst in task.bursts)
        return tuple(sorted(bystanders if waited else bystanders | targets))

    def recorded(self, index: int) -> Program:
        """The ops that the guest's own algorithm makes of burst *index*."""
        source = self._source(index)
        size = 2 * len(encode(self._task.programs[index])) + 4096
        source.program = self._arena.room(size)
        source.program_end = source.program + size
        mask = _mask_of(self._task.bursts[index])
        source.mask = self._arena.put(self._mask(mask))
        self._guest.commands.run(mailbox.COMMAND_RECORD, {source.cpu: index}, lambda: 0)
        if told := trouble(source):
            raise GuestError(told)
        return decode(array("Q", self._guest.memory.read(source.program, size)))

    def _samples(self, source: mailbox.Source) -> list[dict[str, int]]:
        size = sizeof(mailbox.Sample)
        raw = self._guest.memory.read(source.samples, source.done * size)
        rows = struct.iter_unpack("<5Q", raw)
        return [dict(zip(SERIES, row, strict=True)) for row in rows]

    def _seen(self) -> list[tuple[array[int], int]]:
        """(handler runs by vector, functions) of each CPU so far."""
        cpus = map(self._guest.memory.cpu, self._guest.guest.cpus)
        return [(array("I", bytes(cpu.runs)), cpu.functions) for cpu in cpus]

    def _handled(
        self, before: list[tuple[array[int], int]], after: list[tuple[array[int], int]]
    ) -> Handled:
        bursts = self._task.bursts
        wanted = {vector for b in bursts for vector in (b.vector, b.single_vector)}
        own = self._guest.commands.start_vector
        runs, functions, strange = [], [], []
        for (old, old_functions), (new, new_functions) in zip(before, after, strict=True):
            mine = sum(new[v] - old[v] for v in wanted)
            runs.append(mine)
            strange.append(sum(new) - sum(old) - mine - (new[own] - old[own]))
            functions.append(new_functions - old_functions)
        return Handled(runs=tuple(runs), functions=tuple(functions), strange=tuple(strange))

    def _partial(self, sources: list[mailbox.Source]) -> Iterator[PartialSend]:
        if not self._log:
            return
        size = self._words * 8
        for index, source in enumerate(sources):
            raw = self._guest.memory.read(source.partial, source.done * size)
            masks = Counter(raw[at : at + size] for at in range(0, len(raw), size))
            masks.pop(self._mask(self._task.reached[index]), None)
            for mask, times in sorted(masks.items()):
                bits = int.from_bytes(mask, "little")
                cpus = [cpu for cpu in range(self._cpus) if bits >> cpu & 1]
                yield PartialSend(burst=index, cpus=cpus, times=times)


def _mask_of(burst: Burst) -> tuple[int, ...]:
    """The cpumask the operation is called with; a function call leaves out the caller."""
    if burst.protocol == "csd":
        return tuple(cpu for cpu in burst.targets if cpu != burst.source)
    return burst.targets


def trouble(source: mailbox.Source) -> str:
    """A sentence, if it stopped early."""
    where, burst = source.where, source.done + 1
    op, vector = where & 0xFF_FFFF, where >> 24
    told = {
        mailbox.TROUBLE_NONE: "",
        mailbox.TROUBLE_OP_FAULT: f"op {op} raised {exception_name(vector)}",
        mailbox.TROUBLE_NO_ACK: f"CPU {where} never acknowledged",
        mailbox.TROUBLE_CSD_BUSY: f"CPU {where} never took the entry of an earlier burst",
        mailbox.TROUBLE_NOT_IDLE: f"CPU {where} never became idle",
        mailbox.TROUBLE_ALONE: f"only {where} sources were ready",
        mailbox.TROUBLE_RECORD_FULL: "the guest's algorithm made more ops than it should",
    }[source.trouble]
    return told and f"{told} (burst {burst} of CPU {source.cpu})"
