"""One pass of recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import EmptyError
from pvbench.recorder import passes
from pvbench.recorder.kernel import RECEIVED, SENT, WANTED
from support.fake_tracefs import CPUINFO, HISTOGRAM, INTERRUPTS, fake_kernel, text_of


def nothing() -> int:
    """Work that takes no time."""
    return 0


def test_a_pass_traces_its_events_while_the_work_is_done(tmp_path: Path) -> None:
    """The kernel is as it was afterwards."""
    kernel = fake_kernel(tmp_path)

    def work() -> int:
        (instance,) = (tmp_path / "tracefs/instances").iterdir()
        assert (instance / "tracing_on").read_text() == "1"
        (tmp_path / "proc/interrupts").write_text(INTERRUPTS.format(5, 6))
        return 3

    one = passes.traced(kernel.machine, (*SENT, WANTED), 1024, work)

    assert (one.status, one.recording.sent.total, one.recording.wanted.total) == (3, 2, 1)
    assert (one.recording.apic_ids[3], one.recording.times) == (6, "real")
    assert one.seconds > 0
    assert kernel.instances == []
    assert kernel.enabled(0) == {*SENT, WANTED}
    assert kernel.settings[0]["trace_clock"] == "mono"
    assert kernel.settings[0]["buffer_size_kb"] == "1024"
    assert one.recording.texts == {
        "cpuinfo": CPUINFO,
        "boot log": "APIC: Switched APIC routing to: physical x2apic",
        "interrupts before": INTERRUPTS.format(1, 1),
        "interrupts after": INTERRUPTS.format(5, 6),
    }


def test_losses_are_those_of_the_ring_buffers(tmp_path: Path) -> None:
    """Each CPU has its own; the header of the text says the same of all of them."""
    kernel = fake_kernel(
        tmp_path,
        text_of((0, "ipi_send_cpu: cpu=1 callsite=f callback=0x0")).replace("5/5", "1/31"),
    )
    kernel.statistics = ((1, 20, 0), (0, 4, 6))
    recording = passes.traced(kernel.machine, SENT, 64, nothing).recording

    assert [(loss.cpu, loss.events) for loss in recording.losses] == [(0, 20), (1, 10)]
    assert recording.is_void


def test_a_time_without_sends_is_no_recording(tmp_path: Path) -> None:
    """Interrupts of before may be received in it."""
    kernel = fake_kernel(tmp_path, text_of((1, "reschedule_entry: vector=253")))

    with pytest.raises(EmptyError, match="no IPI was sent"):
        passes.traced(kernel.machine, SENT, 64, nothing)
    assert kernel.instances == []


def test_a_histogram_counts_sends_in_the_kernel(tmp_path: Path) -> None:
    """Its size is a power of two that has room for all pairs of CPUs."""
    kernel = fake_kernel(tmp_path, histogram=HISTOGRAM)
    for cpu in range(60):
        (tmp_path / f"tracefs/per_cpu/cpu{cpu}").mkdir(parents=True)
    kernel.statistics = ((1, 5, 0), (3, 0, 0))
    one = passes.counted(kernel.machine, nothing)

    trigger = kernel.settings[0]["events/ipi/ipi_send_cpu/trigger"]
    assert trigger == "hist:keys=common_cpu,cpu:size=4096"
    assert kernel.enabled(0) == {SENT[1]}
    assert (one.recording.sent.total, one.recording.has_masks) == (12, False)
    assert one.recording.notes[-1] == (
        "Beside the sends to one CPU, 9 sends had a mask, which is not counted."
    )


def test_interrupts_are_counted_by_the_cpu_that_receives_them(tmp_path: Path) -> None:
    """Each kind has an instance of its own, so that no event has to be read."""
    kernel = fake_kernel(tmp_path, events=tuple(RECEIVED.values()))
    kernel.statistics = ((3, 900, 0), (2, 0, 0))
    counts = passes.received(kernel.machine, nothing)

    assert counts == {name: {0: 903, 1: 2} for name in RECEIVED}
    assert kernel.instances == []
    assert {event for n in range(4) for event in kernel.enabled(n)} == {*RECEIVED.values()}
