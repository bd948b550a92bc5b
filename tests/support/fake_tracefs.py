"""A machine in a folder whose tracefs fills the folders of its instances."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from pvbench.recorder.kernel import RECEIVED, SENT, WANTED
from pvbench.recorder.passes import Machine
from pvbench.recorder.tracefs import Tracefs
from support.helpers import bundled

CALLBACK = "generic_smp_call_function_single_interrupt+0x0/0x10"
HEAD = "# entries-in-buffer/entries-written: 5/5   #P:4\n"
SENDS = (
    (0, "ipi_send_cpu: cpu=1 callsite=wakeup_preempt+0x92/0xa0 callback=0x0"),
    (1, "reschedule_entry: vector=253"),
    (3, f"ipi_send_cpumask: cpumask=00000007 callsite=f+0x2/0x9 callback={CALLBACK}"),
)
CALLS = tuple(
    (3, f"csd_queue_cpu: cpu={n} callsite=f+0x2/0x9 func=g csd=0c0b") for n in (0, 1, 2)
)
STATISTICS = "entries: {}\noverrun: {}\ncommit overrun: 0\nbytes: 8\ndropped events: {}\n"
INTERRUPTS = "RES: {} 0 0 0  Rescheduling interrupts\nCAL: {} 1 1 0  Function call interrupts\n"
CPUINFO = "".join(
    f"processor\t: {n}\nmodel name\t: A CPU\napicid\t\t: {2 * n}\n\n" for n in range(4)
)
KMSG = "6,1,1,-;APIC: Switched APIC routing to: physical x2apic\n6,2,1,-;Memory: 4 GB\n"
EVERYTHING = (*SENT, WANTED, *RECEIVED.values())
HISTOGRAM = """\
# event histogram
#
# trigger info: hist:keys=common_cpu,cpu:vals=hitcount:sort=hitcount:size=2048 [active]
#

{ common_cpu:          0, cpu:          1 } hitcount:          7
{ common_cpu:          2, cpu:          3 } hitcount:          5

Totals:
    Hits: 12
    Entries: 2
    Dropped: 0
"""


def text_of(*events: tuple[int, str]) -> str:
    """The file `trace` of events: the CPU, and ``event: fields``."""
    return HEAD + "".join(
        f"  task-7  [{cpu:03}] d.h2. {1 + number / 1e6:.6f}: {event}\n"
        for number, (cpu, event) in enumerate(events)
    )


@attrs.define
class FakeKernel:
    """
    The kernel of the machine.

    Args:
        root: the root folder of the machine.
        texts: what each next instance has in its file `trace`; the last one stays.
        statistics: entries, overrun and dropped events of CPU 0 and 1.
        settings: what was written to the files of instances that are gone, by instance.
    """

    root: Path
    texts: list[str]
    statistics: tuple[tuple[int, int, int], ...] = ((3, 0, 0), (2, 0, 0))
    settings: list[dict[str, str]] = attrs.field(factory=list)

    @property
    def tracefs(self) -> Tracefs:
        """Its tracefs."""
        return Tracefs(path=self.root / "tracefs", mkdir=self.fill, rmdir=self.empty)

    @property
    def machine(self) -> Machine:
        """The machine, as the recorder sees it."""
        readers: Any = bundled().table("reader")
        return Machine(root=self.root, tracefs=self.tracefs, readers=readers)

    @property
    def instances(self) -> list[str]:
        """The instances that are there."""
        return [path.name for path in (self.root / "tracefs/instances").iterdir()]

    def fill(self, path: Path) -> None:
        """Make an instance."""
        path.mkdir()
        shutil.copytree(self.root / "tracefs/events", path / "events")
        for name in ("tracing_on", "trace_clock", "buffer_size_kb"):
            (path / name).write_text("as it was")
        (path / "trace").write_text(self.texts.pop(0) if self.texts[1:] else self.texts[0])
        for cpu, counts in enumerate(self.statistics):
            (path / f"per_cpu/cpu{cpu}").mkdir(parents=True)
            (path / f"per_cpu/cpu{cpu}/stats").write_text(STATISTICS.format(*counts))

    def empty(self, path: Path) -> None:
        """Remove an instance, and remember how its files were set."""
        files = (file for file in path.rglob("*") if file.is_file() and file.name != "trace")
        settings = {str(file.relative_to(path)): file.read_text() for file in files}
        self.settings.append({name: text for name, text in settings.items() if text})
        shutil.rmtree(path)

    def enabled(self, number: int) -> set[str]:
        """The events that an instance that is gone traced."""
        names = (name for name, text in self.settings[number].items() if text == "1")
        return {name.removeprefix("events/").removesuffix("/enable") for name in names}


def fake_kernel(
    root: Path, *texts: str, events: tuple[str, ...] = EVERYTHING, histogram: str = ""
) -> FakeKernel:
    """A kernel with *events*, whose instances have *texts*."""
    for event in events:
        (root / "tracefs/events" / event).mkdir(parents=True)
        (root / "tracefs/events" / event / "enable").touch()
    if histogram:
        (root / "tracefs/events" / SENT[0] / "trigger").touch()
        (root / "tracefs/events" / SENT[0] / "hist").write_text(histogram)
    (root / "tracefs/events").mkdir(parents=True, exist_ok=True)
    (root / "tracefs/instances").mkdir()
    files: Mapping[str, str] = {
        "proc/mounts": "proc /proc proc rw 0 0\nnodev /tracefs tracefs rw 0 0\n",
        "proc/filesystems": "nodev\ttracefs\n",
        "proc/interrupts": INTERRUPTS.format(1, 1),
        "proc/cpuinfo": CPUINFO,
        "dev/kmsg": KMSG,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return FakeKernel(root, [*texts] or [text_of(*SENDS, *CALLS)])
