"""The command `pvbench import`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvbench.recording import stored
from support.runs import Cli
from support.traces import TRACES

MEMBARRIER = TRACES / "smp60-membarrier.txt.gz"


def unwrapped(text: str) -> str:
    """The text without its line ends."""
    return " ".join(text.split())


def test_import_writes_a_recording_and_prints_the_shares(cli: Cli) -> None:
    """The file is called as the trace, in the current folder."""
    done = cli("import", str(MEMBARRIER), "--cpuinfo", str(TRACES / "smp60-cpuinfo.txt"))

    assert done.status == 0
    assert "171 sends and 1380 interrupts: 81.9 % of the sends have one target" in unwrapped(
        done.out
    )
    assert "89.9 % of the interrupts are in multicasts" in unwrapped(done.out)
    assert "coalescing and rates are the emulator's" in unwrapped(done.out)
    recording = stored.read(Path("smp60-membarrier.recording"))
    assert (recording.sent.total, recording.apic_ids[12]) == (171, 16)


def test_a_recording_replaces_no_file(cli: Cli) -> None:
    """Not even one that -o names, as a run does not either."""
    assert cli("import", str(MEMBARRIER)).status == 0
    assert (
        "smp60-membarrier.recording exists. Give -o OUT." in cli("import", str(MEMBARRIER)).err
    )
    Path("other").write_text("mine")
    named = cli("import", str(MEMBARRIER), "-o", "other")

    assert named.status == 2
    assert "other exists. Give another -o OUT, or remove it first." in named.err
    assert Path("other").read_text() == "mine"


def test_import_says_where_the_recording_is(cli: Cli) -> None:
    """The last line of standard error names the file."""
    done = cli("import", str(MEMBARRIER), "-o", "x")

    assert done.err.splitlines()[-1] == "recording: x"


def test_json_has_the_numbers(cli: Cli) -> None:
    """A share that the trace does not have is null."""
    data = json.loads(cli("import", str(MEMBARRIER), "-o", "x", "--json").out)
    assert (data["sends"], data["interrupts"], data["lost_events"]) == (171, 1380, 0)
    assert data["unicast_share"] == pytest.approx(140 / 171)
    assert data["unicast_interrupt_share"] == pytest.approx(140 / 1380)

    host = json.loads(
        cli("import", str(TRACES / "host-perf-script.txt"), "-o", "y", "--json").out
    )
    assert (host["sends"], host["unicast_share"], host["operations"]) == (None, None, 3)
    assert host["by_vcpu"][0]["count"] == 2


def test_lost_events_void_the_totals(cli: Cli) -> None:
    """They are printed once the user accepts the losses."""
    trace = TRACES / "smp8-nosymoffset.txt.gz"
    void = unwrapped(cli("import", str(trace), "-o", "x").out)
    accepted = unwrapped(cli("import", str(trace), "-o", "y", "--accept-losses").out)

    assert "So the totals are void; --accept-losses accepts the losses." in void
    assert "It says: the ring buffer was too small: 1860 events were overwritten." in void
    assert "% of the sends" not in void
    assert "100 % of the sends have one target" in accepted
    assert "Events are lost: 20253." in accepted


def test_sums_are_compared_with_counters(cli: Cli) -> None:
    """A difference names the CPU whose events are missing."""
    counters = [str(TRACES / f"smp60-membarrier.int{n}") for n in (0, 1)]
    text = unwrapped(cli("import", str(MEMBARRIER), "-o", "x", "--interrupts", *counters).out)

    assert "vector 252 was sent 1240 times and received 1209 times, on CPU 59" in text
    assert "line CAL 1337 1379" in text
    assert "line CAL was sent" not in text


def test_equal_sums_are_told(cli: Cli) -> None:
    """One sentence stands for all of them."""
    text = unwrapped(cli("import", str(TRACES / "smp16-ebz-malloc.txt.gz"), "-o", "x").out)

    assert "The interrupts received account for all that were sent." in text


def test_a_host_has_operations_and_no_share(cli: Cli) -> None:
    """One send may be several operations, and an accelerated one is none."""
    text = unwrapped(cli("import", str(TRACES / "host-hypercalls.txt"), "-o", "x").out)

    assert "The host saw 2 operations that can send IPIs" in text
    assert "the share of sends to one target is unknown" in text
    assert "accelerated sends are missing" in text
    assert "APIC IDs 1, 128" in text


def test_a_histogram_has_no_share(cli: Cli) -> None:
    """It counts sends to one CPU only."""
    text = unwrapped(cli("import", str(TRACES / "smp8-hist_cpu.txt.gz"), "-o", "x").out)

    assert "354 sends and 354 interrupts. The histogram counts sends to one CPU only" in text


def test_standard_input_needs_a_name_for_the_recording(cli: Cli) -> None:
    """It has none itself."""
    done = cli("import", "-")

    assert (done.status, "standard input has no name. Give -o OUT." in done.err) == (2, True)


def test_a_reader_of_a_file_can_be_used(cli: Cli, tmp_path: Path) -> None:
    """It is one pattern."""
    (tmp_path / "mine.py").write_text(
        "from pvbench.hookspecs import hookimpl\n"
        "from pvbench.recording.reader import LineForm, line_reader\n"
        "pvbench_api = 1\n"
        "@hookimpl\n"
        "def pvbench_readers():\n"
        "    form = LineForm(rb'<(?P<cpu>[0-9]+)> ')\n"
        "    return [line_reader('mine', 'my own', form, masks='list')]\n"
    )
    (tmp_path / "trace").write_text("<3> ipi_send_cpu: cpu=1 callsite=f callback=0x0\n")

    done = cli("import", "trace", "-p", "./mine.py")
    assert (done.status, "mine trace, 4 CPUs" in done.out) == (0, True)


def test_a_reader_that_raises_is_named(cli: Cli, tmp_path: Path) -> None:
    """No traceback is printed."""
    (tmp_path / "mine.py").write_text(
        "from pvbench.hookspecs import hookimpl\n"
        "from pvbench.recording.reader import Reader\n"
        "pvbench_api = 1\n"
        "def parse(text): 1 / 0\n"
        "@hookimpl\n"
        "def pvbench_readers():\n"
        "    return [Reader(name='mine', summary='my', score=lambda text: 9, parse=parse)]\n"
    )
    (tmp_path / "trace").write_text("x\n")

    done = cli("import", "trace", "-p", "./mine.py")
    assert (done.status, "reader mine raises ZeroDivisionError" in done.err) == (5, True)
