"""Traces of tests/data/traces, and texts of trace-cmd."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pvbench.recording.load import Options, load
from pvbench.recording.recording import Recording
from support.helpers import bundled

TRACES = Path(__file__).parents[1] / "data" / "traces"
CALLBACK = "generic_smp_call_function_single_interrupt+0x0"


def load_one(path: Path | str, **options: Any) -> Recording:
    """The recording of one trace."""
    return load([str(path)], bundled().table("reader"), Options(**options))


def stored_trace(name: str, **options: Any) -> Recording:
    """The recording of a file in tests/data/traces."""
    return load_one(TRACES / name, **options)


def report_of(events: Iterable[tuple[int, str]]) -> str:
    """What `trace-cmd report` prints for events: the CPU, and ``event: fields``."""
    lines = ["cpus=8"]
    for number, (cpu, event) in enumerate(events):
        name, _, fields = event.partition(": ")
        lines.append(f"  task-7 [{cpu:03}] {1 + number / 1e6:.6f}: {name + ':':<21} {fields}")
    return "".join(f"{line}\n" for line in lines)


def one_cpu(target: int, site: str = "generic_exec_single+0x33") -> str:
    """A send to one CPU."""
    return f"ipi_send_cpu: cpu={target} callsite={site} callback={CALLBACK}"


def mask(targets: str, site: str = "on_each_cpu_cond_mask+0x24") -> str:
    """A send to a mask."""
    return f"ipi_send_cpumask: cpumask={targets} callsite={site} callback={CALLBACK}"


def queued(
    cpu: int, function: str = "flush_tlb_func", site: str = "on_each_cpu_cond_mask+0x24"
) -> str:
    """A call that is wanted of one CPU."""
    return f"csd_queue_cpu: cpu={cpu} callsite={site} func={function} csd=0xff42e100f9e36080"


def from_text(folder: Path, text: str, **options: Any) -> Recording:
    """The recording of a text."""
    path = folder / "trace.txt"
    path.write_text(text)
    return load_one(path, **options)
