"""ICR writes as the host traces them, in a tracing instance of their own."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pvbench.delivery import Task
from pvbench.errors import UnavailableError
from pvbench.ops import Burst, Fence, WrMsr
from pvbench.topology import parse_guest
from pvbench_deliver_kvm.measure.icr_tracepoint import audit
from pvbench_deliver_kvm.measure.kvm_guest import Instruments, KvmBootedGuest
from pvbench_deliver_kvm.vmm.booted_guest import booted_vm
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

    def _fill(self, instance: Path) -> None:
        os.mkdir(instance)
        (instance / "set_event_pid").write_text("")
        os.makedirs((instance / self.event).parent)
        for cpu, (entries, overrun) in enumerate(self.cpus):
            stats = instance / f"per_cpu/cpu{cpu}/stats"
            os.makedirs(stats.parent)
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
    """Events while *threads* were audited."""
    with audit(list(threads), tracefs.root) as trace:
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
    """Those that fell out of the buffer too; commits that failed are no events."""
    tracefs.cpus = cpus

    assert expected == counted(tracefs)


def test_only_these_threads_and_this_event_are_traced(tracefs: Tracefs) -> None:
    """By their numbers, before the event is switched on."""
    counted(tracefs, 41, 4243)

    assert tracefs.written == {"set_event_pid": "41 4243", EVENT: "1"}


def test_the_buffer_is_there_while_it_is_open(tracefs: Tracefs) -> None:
    """One of this process's own, and none after that."""
    with audit([1], tracefs.root):
        during = [path.name for path in tracefs.instances]

    assert during == [f"pvbench-{os.getpid()}"]
    assert tracefs.instances == []


class LostError(Exception):
    """The guest was lost meanwhile."""


def test_the_buffer_goes_when_the_guest_is_lost(tracefs: Tracefs) -> None:
    """The error is passed on."""
    with pytest.raises(LostError), audit([1], tracefs.root):
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
    with pytest.raises(UnavailableError) as error, audit([1], tmp_path):
        pass

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
def test_a_refused_buffer_is_not_removed(
    tracefs: Tracefs, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    """An instance of that name may belong to another user."""
    others = tracefs.root / "instances" / f"pvbench-{os.getpid()}"
    os.mkdir(others)

    def refused(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(UnavailableError, match=f"^{tracefs.root} cannot be used: {why}$"):
        counted(tracefs)

    assert tracefs.instances == [others]


@contextmanager
def two_cpus(tracefs: Path) -> Iterator[KvmBootedGuest]:
    """A guest that executes a list of ops of CPU 0, audited by the tracing of a folder."""
    instruments = Instruments(audit=partial(audit, tracefs=tracefs))
    with booted_vm(parse_guest("dense:2"), start_of(niceness=10)) as vm:
        yield KvmBootedGuest(vm, execution="ops", instruments=instruments)


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
    """A task is audited once, in the threads of its guest, before it is timed."""
    tracefs.cpus = ((4, 0), (3, 3))
    with two_cpus(tracefs.root) as booted:
        same_task = booted.load(task())
        threads = [str(thread.native_id) for thread in booted.vm.threads]
        first = same_task.run(loops=3, warmup=0)
        tracefs.cpus = ((500, 0),)
        second = same_task.run(loops=3, warmup=0)
        other = booted.load(task()).run(loops=3, warmup=0)

    traced = [result.facts["icr_writes_traced"] for result in (first, second, other)]
    assert traced == [2.0, 2.0, 100.0]
    assert tracefs.written["set_event_pid"].split() == threads


@pytest.mark.usefixtures("needs_kvm")
def test_a_host_without_tracing_is_a_fact(tmp_path: Path) -> None:
    """The task is measured nevertheless."""
    with two_cpus(tmp_path) as booted:
        result = booted.load(task()).run(loops=3, warmup=0)

    why = f"{tmp_path} cannot be used: No such file or directory"
    assert (result.facts["icr_writes_traced"], result.counts.handlers) == (why, (0, 3))
