"""The readers of traces: each form is read, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.recording.recording import Recording
from support.helpers import bundled
from support.traces import from_text, mask, report_of, stored_trace


def numbers(recording: Recording) -> tuple[int, int, int]:
    """Sends, interrupts and unicasts."""
    return recording.sent.total, recording.interrupts, recording.unicasts


@pytest.mark.parametrize(
    ("name", "producer", "expected", "clock"),
    [
        ("smp16-tracecmd-report", "trace-cmd", (326, 389, 305), "ns"),
        ("smp16-ebz-malloc", "trace-cmd", (75, 91, 71), "ns"),
        ("smp60-membarrier", "trace-cmd", (171, 1380, 140), "ns"),
        ("smp16-tracefs-tsc", "tracefs", (69, 112, 47), "ticks"),
        ("smp8-nosymoffset", "tracefs", (21, 21, 21), "ns"),
        ("smp16-tracefs-latency", "latency", (25, 25, 25), "ns"),
        ("smp8-funcgraph", "function-graph", (10, 12, 9), "none"),
        ("smp8-perf_callgraph", "perf-script", (11, 44, 0), "ns"),
        ("smp8-perf_header", "perf-script", (3, 3, 3), "ns"),
        ("smp8-hist_cpu", "histogram", (354, 354, 354), "none"),
    ],
)
def test_a_form_is_read(
    name: str, producer: str, expected: tuple[int, int, int], clock: str
) -> None:
    """The numbers were counted by other programs."""
    recording = stored_trace(f"{name}.txt.gz")

    assert (recording.producer, recording.clock) == (producer, clock)
    assert numbers(recording) == expected


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("smp16-tracecmd-report-raw-R", "cpumask=524320 is not a mask but the word"),
        ("smp8-raw", "the text is raw: it has numbers of events and no fields"),
        ("smp8-perf_trace", "perf trace does not print which CPU sends"),
        ("smp8-hist_mask", "a histogram with the key cpumask counts no masks"),
        ("smp8-hist_mask_site", "callsite.sym,callback.sym does not say who interrupts whom"),
    ],
)
def test_a_form_without_the_facts_is_refused(name: str, why: str) -> None:
    """The sentence says which fact is missing."""
    with pytest.raises(UsageError, match=why):
        stored_trace(f"{name}.txt.gz")


def test_a_mask_in_hex_is_the_same_as_a_list() -> None:
    """tracefs and perf print the masks of one program differently."""
    hexadecimal = stored_trace("smp8-funcgraph.txt.gz")
    listed = stored_trace("smp8-perf_callgraph.txt.gz")

    masks = [
        {recording.sets.members(index) for index in recording.sent.targets.tolist()}
        for recording in (hexadecimal, listed)
    ]
    assert (2, 3, 7) in masks[0]
    assert (0, 1, 4, 5) in masks[1]


def test_perf_says_which_machine_was_traced() -> None:
    """Its header has the kernel, the CPUs and their model, which is an emulator's."""
    recording = stored_trace("smp8-perf_header.txt.gz")

    assert recording.kernel == "6.12.111+deb12-amd64"
    assert (recording.cpus, recording.times) == (8, "emulated")


def test_a_ring_buffer_that_was_too_small_is_a_loss() -> None:
    """The header of tracefs also shows that the file was cut to its first lines."""
    recording = stored_trace("smp8-nosymoffset.txt.gz")

    assert [loss.events for loss in recording.losses] == [20538 - 18678, 18678 - 285]
    assert recording.is_void


@pytest.mark.parametrize(
    ("text", "losses"),
    [
        (
            "  a-1 [001] d..1. 1.000001: ipi_send_cpu: cpu=2 callsite=f+0x1/0x2 callback=0x0\n"
            "CPU:2 [LOST 124 EVENTS]\nCPU:5 [LOST EVENTS]\n",
            [(2, 124), (5, None)],
        ),
        (
            "cpus=4\n"
            "  a-1 [001] 1.000001: ipi_send_cpu:         cpu=2 callsite=f callback=0x0\n"
            "CPU:3 [24856 EVENTS DROPPED]\n",
            [(3, 24856)],
        ),
        (
            "  a 1 [001] 1.000001: ipi:ipi_send_cpu: cpu=2 callsite=f callback=0x0\n"
            "  ebz 321 [004]    49.635199: PERF_RECORD_LOST lost 13\n"
            "Processed 10422 events and lost 19 chunks!\n",
            [(4, 13), (None, None)],
        ),
    ],
    ids=["tracefs", "trace-cmd", "perf"],
)
def test_lost_events_are_counted_by_cpu(
    tmp_path: Path, text: str, losses: list[tuple[int | None, int | None]]
) -> None:
    """Some notices have no number, or no CPU."""
    recording = from_text(tmp_path, text)

    assert [(loss.cpu, loss.events) for loss in recording.losses] == losses
    assert recording.sent.total == 1


@pytest.mark.parametrize(
    "task", ["CPU 0/KVM", "a [003] 1.0: x", "<...>", "kworker/u32:3", "a-b 5"]
)
def test_a_task_may_be_called_anything(tmp_path: Path, task: str) -> None:
    """The CPU is the one directly before the flags and the time."""
    fields = "cpu=2 callsite=f+0x1/0x2 callback=0x0"
    heads = {
        "tracefs": f"{task:>16}-77      [005] d..2.    23.041347: ipi_send_cpu: ",
        "trace-cmd": f"{task:>16}-77    [005]    23.041347: ipi_send_cpu:         ",
        "perf-script": f"{task:>16}      77 [005]    23.041347:    ipi:ipi_send_cpu: ",
    }
    for producer, head in heads.items():
        recording = from_text(tmp_path, f"{head}{fields}\n")
        assert (recording.producer, recording.sent.source.tolist()) == (producer, [5])


def test_the_tgid_of_a_task_is_passed_over(tmp_path: Path) -> None:
    """The option record-tgid adds it, or dashes."""
    text = "".join(
        f"  sh-271 {tgid} [000] d..2. 67.58: ipi_send_cpu: cpu=1 callsite=f callback=0x0\n"
        for tgid in ("(    271)", "(-------)")
    )

    assert from_text(tmp_path, text).sent.total == 2


def test_a_bare_mask_is_refused_unless_its_form_is_given(tmp_path: Path) -> None:
    """`cpumask=3` is CPU 3 in a list, and CPUs 0 and 1 in hex."""
    text = "[002] 5.0: " + mask("3") + "\n"

    with pytest.raises(UsageError, match="the mask '3' can be a list of CPUs or hex"):
        from_text(tmp_path, text)
    for masks, members in (("list", (3,)), ("hex", (0, 1))):
        recording = from_text(tmp_path, text, masks=masks)
        assert (recording.producer, recording.sets.members(0)) == ("bare", members)


def test_the_texts_of_two_producers_are_not_mixed(tmp_path: Path) -> None:
    """In one file, and in two files of one recording."""
    text = report_of([(0, mask("1-2"))])
    other = "  a-1 [001] d..1. 1.000001: ipi_send_cpu: cpu=2 callsite=f+0x1/0x2 callback=0x0\n"

    with pytest.raises(UsageError, match="is not a line of trace-cmd"):
        from_text(tmp_path, text + other)


def test_a_line_that_names_two_events_is_refused(tmp_path: Path) -> None:
    """One of them would be lost silently."""
    event = "ipi_send_cpu:         cpu=2 callsite=f callback=0x0"
    text = f"cpus=8\n  a-1 [001] 1.000001: {event}  a-1 [001] 1.000002: {event}\n"

    with pytest.raises(UsageError, match="is not a line of trace-cmd"):
        from_text(tmp_path, text)


def test_a_histogram_whose_totals_differ_is_cut_off(tmp_path: Path) -> None:
    """Its last lines say how many rows and hits there are."""
    import gzip

    from support.traces import TRACES

    text = gzip.decompress((TRACES / "smp8-hist_cpu.txt.gz").read_bytes()).decode()
    with pytest.raises(UsageError, match="its totals are missing"):
        from_text(tmp_path, text[: text.index("Totals")])
    with pytest.raises(UsageError, match="its totals are 354 hits in 56 entries, and it has"):
        from_text(tmp_path, text.replace("hitcount:         32", "hitcount:         31"))


def test_dropped_hits_of_a_histogram_are_lost(tmp_path: Path) -> None:
    """They were for keys that had no room."""
    text = (
        "# trigger info: hist:keys=common_cpu,cpu:size=2048 [active]\n"
        "{ common_cpu: 2, cpu: 6 } hitcount: 1\n\n"
        "Totals:\n    Hits: 4\n    Entries: 1\n    Dropped: 3\n"
    )

    assert [loss.events for loss in from_text(tmp_path, text).losses] == [3]


def test_every_reader_is_listed_with_a_summary() -> None:
    """A new one joins the menu of bundled plugins."""
    assert list(bundled().table("reader")) == [
        *("bare", "function-graph", "histogram", "latency", "perf-data", "perf-script"),
        *("trace-cmd", "trace-dat", "tracefs"),
    ]


@pytest.mark.parametrize("line", [" " * 60_000, "a-1  " * 12_000, "x 1 [0] 1.1: " * 4_500])
def test_a_hostile_line_takes_no_time(line: str) -> None:
    """A pattern that could match in many ways would take hours."""
    for reader in bundled().table("reader").values():
        if reader.parse:
            assert reader.score(f"{line}\n".encode()) == 0
