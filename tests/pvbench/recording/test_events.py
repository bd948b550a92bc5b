"""The meaning of the fields of events."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UsageError
from support.traces import CALLBACK, from_text, mask, one_cpu, queued, report_of


@pytest.mark.parametrize(
    ("site", "callback", "kind", "vector"),
    [
        ("wakeup_preempt+0x37", "0x0", "reschedule", 253),
        ("ttwu_queue_wakelist+0xdd", CALLBACK, "single", 251),
        ("generic_exec_single+0x33", CALLBACK, "single", 251),
        ("on_each_cpu_cond_mask+0x24", CALLBACK, "many", 251),
        ("irq_work_queue+0x2f", "rb_wake_up_waiters+0x0", "irq work", 246),
        ("return_to_handler+0x0", CALLBACK, "single", 251),
        ("0xffffffffae915ae7", "0xffffffffae9d6550", "single", 251),
    ],
)
def test_a_send_to_one_cpu_has_the_kind_of_its_callsite(
    tmp_path: Path, site: str, callback: str, kind: str, vector: int
) -> None:
    """A multicast with one target left appears as ipi_send_cpu with its own callsite."""
    text = report_of([(0, f"ipi_send_cpu: cpu=3 callsite={site} callback={callback}")])
    (call,) = from_text(tmp_path, text).calls

    assert (call.kind, call.vector, call.callsite) == (kind, vector, site)


def test_an_address_that_sends_masks_calls_many(tmp_path: Path) -> None:
    """perf on another machine prints addresses in place of names."""
    address = "0xffffffffae9d60a4"
    recording = from_text(
        tmp_path,
        report_of([(0, queued(1, "0xff", address)), (0, one_cpu(1, address))])
        + "".join(report_of([(0, mask("1-2", address))]).splitlines(keepends=True)[1:]),
    )

    assert {call.kind for call in recording.calls} == {"many"}


def test_a_symbol_has_no_size_and_no_module(tmp_path: Path) -> None:
    """So the same callsite is the same in all forms of text."""
    event = f"ipi_send_cpu: cpu=3 callsite=f+0x1/0x20 [kvm] callback={CALLBACK}/0x20"
    (call,) = from_text(tmp_path, report_of([(0, event)])).calls

    assert (call.callsite, call.function) == ("f+0x1", CALLBACK)


def test_queued_calls_of_linux_6_4_are_no_sends(tmp_path: Path) -> None:
    """That kernel reports the function of a queued call as the callback of a send."""
    event = "ipi_send_cpu: cpu=3 callsite=generic_exec_single+0x33 callback=nohz_csd_func+0x0"
    recording = from_text(tmp_path, report_of([(0, event), (0, one_cpu(3))]))

    assert recording.sent.total == 1
    assert recording.notes == (
        "Events of queued calls, which Linux 6.4 reports as sends, are left out.",
    )


def test_several_addresses_of_callbacks_are_refused(tmp_path: Path) -> None:
    """Which of them are queued calls cannot be known."""
    events = [
        (0, f"ipi_send_cpu: cpu=3 callsite=0xff callback=0xffffffffae9d655{n}") for n in (0, 4)
    ]

    with pytest.raises(UsageError, match="2 callbacks, which are addresses"):
        from_text(tmp_path, report_of(events))


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("ipi_send_cpu: cpu=x callsite=f callback=0x0", "cannot be read"),
        ("ipi_send_cpu: cpu=3 callsite=f", "cannot be read"),
        ("csd_queue_cpu: cpu=3 callsite=f", "cannot be read"),
        ("reschedule_entry: vector=900", "cannot be read"),
        ("ipi_send_cpu: cpu=9000 callsite=f callback=0x0", "CPU 9000"),
    ],
)
def test_an_event_with_other_fields_is_refused(tmp_path: Path, event: str, why: str) -> None:
    """It would be a silent loss otherwise."""
    with pytest.raises(UsageError, match=why):
        from_text(tmp_path, report_of([(0, event)]))


def test_received_interrupts_are_counted_by_vector_and_cpu(tmp_path: Path) -> None:
    """Their sums are compared with those of the sends."""
    entries = [(1, "reschedule_entry: vector=253"), (1, "call_function_entry: vector=252")]
    recording = from_text(tmp_path, report_of([*entries, (3, entries[0][1]), (0, one_cpu(3))]))

    assert recording.received == {252: (0, 1) + (0,) * 6, 253: (0, 1, 0, 1) + (0,) * 4}


@pytest.mark.parametrize(
    ("times", "why"), [(("1.000001", "1.000001000"), "times of different forms")]
)
def test_times_of_two_clocks_are_refused(
    tmp_path: Path, times: tuple[str, str], why: str
) -> None:
    """A trace has one clock."""
    text = "".join(f"  a-1 [001]  {time}: {one_cpu(3):}\n" for time in times)
    text = text.replace("ipi_send_cpu: ", "ipi_send_cpu:         ")

    with pytest.raises(UsageError, match=why):
        from_text(tmp_path, text)
