"""ICR writes as the host traces them, in a tracing instance of their own."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest

from pvbench.delivery import Task
from pvbench.errors import UnavailableError
from pvbench.ops import Burst, Fence, Program, WrMsr
from pvbench.topology import parse_guest
from pvbench_deliver_kvm.measure.icr_tracepoint import IcrTrace
from pvbench_deliver_kvm.measure.instruments import Instruments
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.slices import Slice
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm, booted_vm
from support.kvm import start_of

STATS = """\
entries: {entries}
overrun: {overrun}
commit overrun: 5000
bytes: 7000
oldest event ts:  2720.1
now ts:  2725.2
dropped events: 600
read events: 900
"""
EVENT = "events/kvm/kvm_apic_ipi/enable"


class Tracefs:
    """A folder that does as tracefs: an instance is filled as it is made, and goes whole."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.event = root, EVENT
        self.cpus: tuple[tuple[int, int], ...] = ((0, 0),)  # (entries, overrun)
        self.written: dict[str, str] = {}
        (root / "instances").mkdir(parents=True)
        for name, instead in (("mkdir", self._fill), ("rmdir", self._empty)):
            monkeypatch.setattr(Path, name, _for_instances(getattr(Path, name), instead))

    @property
    def instances(self) -> list[Path]:
        return list((self.root / "instances").iterdir())

    def count(self, events: int) -> None:
        """Events of CPU 0 in each instance whose event is on."""
        for instance in self.instances:
            if (instance / self.event).read_text() == "1":
                (entries, overrun), *others = self.cpus
                self.cpus = ((entries + events, overrun), *others)
                self._fill_stats(instance)

    def _fill(self, instance: Path) -> None:
        os.mkdir(instance)
        (instance / "set_event_pid").write_text("")
        os.makedirs((instance / self.event).parent)
        self._fill_stats(instance)

    def _fill_stats(self, instance: Path) -> None:
        for cpu, (entries, overrun) in enumerate(self.cpus):
            stats = instance / f"per_cpu/cpu{cpu}/stats"
            os.makedirs(stats.parent, exist_ok=True)
            stats.write_text(STATS.format(entries=entries, overrun=overrun))

    def _empty(self, instance: Path) -> None:
        for file in ("set_event_pid", self.event):
            if (instance / file).is_file():
                self.written[file] = (instance / file).read_text()
        shutil.rmtree(instance)


def _for_instances(
    usual: Callable[..., None], instead: Callable[[Path], None]
) -> Callable[..., None]:
    """A method of Path that is another one in the folder of instances."""

    def method(path: Path, *args: Any, **options: Any) -> None:
        if path.parent.name == "instances":
            instead(path)
        else:
            usual(path, *args, **options)

    return method


@pytest.fixture
def tracefs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tracefs:
    """The files of a kernel that has the event."""
    return Tracefs(tmp_path / "tracing", monkeypatch)


def counted(tracefs: Tracefs, *threads: int) -> int:
    """Events of *threads* in a trace of its own."""
    with closing(IcrTrace(list(threads), tracefs.root)) as trace:
        trace.start()
        return trace.count()


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        pytest.param(((0, 0),), 0, id="nothing"),
        pytest.param(((7, 0),), 7, id="one-cpu"),
        pytest.param(((7, 30),), 37, id="overrun"),
        pytest.param(((7, 30), (0, 0), (100, 2)), 139, id="several-cpus"),
        pytest.param((), 0, id="no-buffer"),
    ],
)
def test_events_are_counted_on_every_cpu(
    tracefs: Tracefs, cpus: tuple[tuple[int, int], ...], expected: int
) -> None:
    """Events that fell out of the buffer count too; commits that failed are no events."""
    tracefs.cpus = cpus

    assert expected == counted(tracefs)


def test_only_these_threads_and_this_event_are_traced(tracefs: Tracefs) -> None:
    """By their numbers, before the event is switched on."""
    counted(tracefs, 41, 4243)

    assert tracefs.written == {"set_event_pid": "41 4243", EVENT: "1"}


def test_one_instance_serves_until_the_trace_is_closed(tracefs: Tracefs) -> None:
    """It is made when the first count starts; the event is off between counts."""
    trace = IcrTrace([1], tracefs.root)
    states = [trace.count(), tracefs.instances]
    for step in (trace.start, trace.start, trace.stop, trace.stop, trace.start):
        step()
        (instance,) = tracefs.instances
        states.append((instance / EVENT).read_text())
    trace.close()
    trace.close()
    trace.stop()

    assert states == [0, [], "1", "1", "0", "0", "1"]
    assert instance.name.startswith(f"pvbench-{os.getpid()}-")
    assert tracefs.instances == []


def test_two_guests_of_a_process_have_an_instance_each(tracefs: Tracefs) -> None:
    """Both are traced at once."""
    traces = [IcrTrace([1], tracefs.root) for _ in "12"]
    for trace in traces:
        trace.start()

    assert len(tracefs.instances) == 2


class LostError(Exception):
    """The guest was lost meanwhile."""


def test_the_instance_goes_when_the_guest_is_lost(tracefs: Tracefs) -> None:
    """The error is passed on."""
    trace = IcrTrace([1], tracefs.root)
    trace.start()
    with pytest.raises(LostError), closing(trace):
        raise LostError

    assert tracefs.instances == []


def test_a_kernel_without_the_event_is_an_error(tracefs: Tracefs) -> None:
    """KVM's module may not be loaded, or be of another architecture."""
    tracefs.event = "events/other/enable"

    with pytest.raises(UnavailableError) as error:
        counted(tracefs)

    assert str(error.value) == "kvm/kvm_apic_ipi cannot be traced: No such file or directory"
    assert tracefs.instances == []


def test_an_instance_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    """Where tracefs is not mounted there is an empty folder, or none."""
    with pytest.raises(UnavailableError) as error:
        IcrTrace([1], tmp_path).start()

    assert str(error.value) == f"{tmp_path} cannot be used: No such file or directory"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EACCES, "Permission denied"),
        (errno.EPERM, "Operation not permitted"),
        (errno.EEXIST, "File exists"),
        (errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_a_refused_instance_is_not_removed(
    tracefs: Tracefs, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    """An instance of that name may belong to another user."""
    others = tracefs.root / "instances" / f"pvbench-{os.getpid()}-x"
    os.mkdir(others)

    def refused(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(UnavailableError, match=f"^{tracefs.root} cannot be used: {why}$"):
        counted(tracefs)

    assert tracefs.instances == [others]


@attrs.frozen
class WritingSlice:
    """A slice whose ICR writes appear in the files of a `Tracefs`."""

    placed: Slice
    tracefs: Tracefs

    def run(self) -> RawResult:
        """Run it, and count its writes where the event is on."""
        raw = self.placed.run()
        self.tracefs.count(raw.icr_writes)
        return raw

    def recorded(self, index: int) -> Program:
        """The ops of the guest's own algorithm."""
        return self.placed.recorded(index)


@contextmanager
def two_cpus(tracefs: Tracefs) -> Iterator[KvmBootedGuest]:
    """A guest that executes a list of ops of CPU 0, audited by the tracing of a folder."""

    def place(vm: GuestVm, task: Task, loops: int, *, algorithm: bool) -> WritingSlice:
        return WritingSlice(Slice(vm, task, loops, algorithm=algorithm), tracefs)

    instruments = Instruments(place=place, trace=partial(IcrTrace, tracefs=tracefs.root))
    with booted_vm(parse_guest("dense:2"), start_of(niceness=10)) as vm:
        booted = KvmBootedGuest(vm, execution="ops", instruments=instruments)
        with closing(booted):
            yield booted


def task() -> Task:
    """An IPI of CPU 0 to CPU 1."""
    burst = Burst(source=0, operation="send_IPI", targets=(1,), vector=0xFB)
    return Task(
        bursts=(burst,),
        programs=((Fence(), WrMsr(0x830, 1 << 32 | 0xFB)),),
        reached=((1,),),
        program_for=lambda burst, cpus: (),
    )


@pytest.mark.usefixtures("needs_kvm")
def test_icr_writes_of_an_iteration_are_traced_when_a_task_is_loaded(
    tracefs: Tracefs,
) -> None:
    """Each task is audited once, in the threads of its guest, before it is timed."""
    with two_cpus(tracefs) as booted:
        one = booted.load(task())
        threads = [str(thread.native_id) for thread in booted.vm.threads]
        results = [one.run(loops=3, warmup=0) for _ in "12"]
        results.append(booted.load(task()).run(loops=3, warmup=0))
        (instance,) = tracefs.instances
        counted = STATS.format(entries=10, overrun=0)

        assert (instance / "per_cpu/cpu0/stats").read_text() == counted

    assert [result.facts["icr_writes_traced"] for result in results] == [1.0] * 3
    assert tracefs.written["set_event_pid"].split() == threads


@pytest.mark.usefixtures("needs_kvm")
def test_a_host_without_tracing_is_a_fact(tmp_path: Path) -> None:
    """The task is measured nevertheless."""
    nothing = cast("Tracefs", SimpleNamespace(root=tmp_path, count=lambda events: None))
    with two_cpus(nothing) as booted:
        result = booted.load(task()).run(loops=3, warmup=0)

    why = f"{tmp_path} cannot be used: No such file or directory"
    assert (result.facts["icr_writes_traced"], result.counts.handlers) == (why, (0, 3))
