"""One pass: a work that is traced, and the recording of it."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import EmptyError, NoSendError
from pvbench.host import kernel_log
from pvbench.recorder.kernel import RECEIVED
from pvbench.recorder.tracefs import Instance, Tracefs
from pvbench.recorder.work import Work
from pvbench.recording.load import Options, load
from pvbench.recording.reader import Reader
from pvbench.recording.recording import Loss, Recording

# Times of one CPU can be compared with those of another by this clock.
_CLOCK: Final = "mono"
_FORM: Final = "tracefs"  # the reader of the file `trace`
_COUNTED: Final = "histogram"
_LARGEST: Final = 1 << 17  # entries of a histogram
_SMALLEST: Final = 1 << 11
_UNICASTS: Final = "events/ipi/ipi_send_cpu"
_MULTICASTS: Final = "events/ipi/ipi_send_cpumask"
# The names of two texts of a recording.
INTERRUPTS: Final = ("interrupts before", "interrupts after")
_SMALL_KB: Final = 64  # a buffer whose events are counted and not read


@attrs.frozen(kw_only=True)
class Machine:
    """
    The machine that is traced.

    Args:
        root: its root folder.
        tracefs: its tracefs.
        readers: the readers of traces.
    """

    root: Path
    tracefs: Tracefs
    readers: Mapping[str, Reader]

    @property
    def cpuinfo(self) -> Path:
        """The CPUs and their APIC IDs."""
        return self.root / "proc/cpuinfo"

    def interrupts(self) -> str:
        """The counts of interrupts so far."""
        return (self.root / "proc/interrupts").read_text()


@attrs.frozen(kw_only=True)
class Pass:
    """
    A work that was traced.

    Args:
        recording: the IPIs that were sent.
        seconds: the time that the work took.
        status: its exit status.
    """

    recording: Recording
    seconds: float
    status: int

    @property
    def sends_per_second(self) -> float:
        """The rate of sends."""
        return self.recording.sent.total / self.seconds


def traced(machine: Machine, events: Sequence[str], buffer_kb: int, work: Work) -> Pass:
    """
    Trace *events* while *work* is done.

    Args:
        machine: where it is done.
        events: with their systems.
        buffer_kb: memory for the events of each CPU.
        work: what is done.

    Raises:
        EmptyError: no IPI was sent.
        UnavailableError: the kernel refuses it.
    """
    with machine.tracefs.instance() as instance:
        instance.set("trace_clock", _CLOCK)
        instance.set("buffer_size_kb", str(buffer_kb))
        for event in events:
            instance.enable(event)
        texts, seconds, status = _observed(machine, instance, work)
        recording = _recording(machine, instance.path / "trace", _FORM)
        losses = tuple(_losses(instance.lost()))
    return Pass(
        recording=attrs.evolve(recording, losses=losses, texts=texts),
        seconds=seconds,
        status=status,
    )


def counted(machine: Machine, work: Work) -> Pass:
    """
    Let the kernel count the sends from each CPU to each other one while *work* is done.

    Raises:
        EmptyError: no IPI was sent.
        UnavailableError: the kernel refuses it, perhaps because it has no histograms.
    """
    with machine.tracefs.instance() as instance:
        size = _entries(machine)
        instance.set(f"{_UNICASTS}/trigger", f"hist:keys=common_cpu,cpu:size={size}")
        instance.set("buffer_size_kb", str(_SMALL_KB))
        instance.enable(_MULTICASTS.removeprefix("events/"))
        texts, seconds, status = _observed(machine, instance, work)
        recording = _recording(machine, instance.path / _UNICASTS / "hist", _COUNTED)
        masks = sum(instance.written().values())
    note = f"Beside the sends to one CPU, {masks} sends had a mask, which is not counted."
    return Pass(
        recording=attrs.evolve(recording, texts=texts, notes=(*recording.notes, note)),
        seconds=seconds,
        status=status,
    )


def received(machine: Machine, work: Work) -> dict[str, dict[int, int]]:
    """
    How many interrupts of each kind each CPU receives while *work* is done.

    Raises:
        UnavailableError: the kernel refuses it.
    """
    with ExitStack() as stack:
        instances: dict[str, Instance] = {}
        for number, (name, event) in enumerate(RECEIVED.items()):
            instances[name] = stack.enter_context(machine.tracefs.instance(number))
            instances[name].set("buffer_size_kb", str(_SMALL_KB))
            instances[name].enable(event)
        with ExitStack() as tracing:
            for instance in instances.values():
                tracing.enter_context(instance.on())
            work()
        return {name: instance.written() for name, instance in instances.items()}


def _observed(
    machine: Machine, instance: Instance, work: Work
) -> tuple[dict[str, str], float, int]:
    """Texts of the machine, the time that *work* took, and its exit status."""
    texts = {
        "cpuinfo": machine.cpuinfo.read_text(errors="replace"),
        "boot log": "\n".join(
            line for line in kernel_log.messages(machine.root / "dev/kmsg") if "APIC" in line
        ),
        INTERRUPTS[0]: machine.interrupts(),
    }
    with instance.on():
        start = time.monotonic()
        status = work()
        seconds = time.monotonic() - start
    return texts | {INTERRUPTS[1]: machine.interrupts()}, seconds, status


def _recording(machine: Machine, path: Path, form: str) -> Recording:
    options = Options(reader=form, cpuinfo=machine.cpuinfo, accept_losses=True)
    try:
        recording = load([str(path)], machine.readers, options)
    except NoSendError:
        raise EmptyError("no IPI was sent", fix="Record a longer time.") from None
    kernel = platform.release()
    return attrs.evolve(recording, kernel=kernel, accepted=False)


def _losses(lost: Mapping[int, int]) -> list[Loss]:
    return [
        Loss(cpu=cpu, events=events, reason=f"CPU {cpu} lost {events} events")
        for cpu, events in sorted(lost.items())
        if events
    ]


def _entries(machine: Machine) -> int:
    """The size of a histogram of all pairs of CPUs, a power of two that the kernel accepts."""
    cpus = len(list((machine.tracefs.path / "per_cpu").glob("cpu*")))
    return min(max(1 << (cpus * cpus).bit_length(), _SMALLEST), _LARGEST)
