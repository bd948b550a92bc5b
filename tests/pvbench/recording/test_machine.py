"""The machine that was traced, and texts of /proc/cpuinfo."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pvbench.errors import UsageError
from support.traces import TRACES, from_text, one_cpu, report_of, stored_trace


def cpuinfo(cpus: int) -> Path:
    """The text of a machine of tests/data/traces."""
    return TRACES / f"smp{cpus}-cpuinfo.txt"


def test_cpuinfo_gives_the_apic_ids_and_tells_an_emulator() -> None:
    """The 60 CPUs have gaps in their APIC IDs."""
    recording = stored_trace("smp60-membarrier.txt.gz", cpuinfo=cpuinfo(60))

    assert (recording.apic_ids[11], recording.apic_ids[12]) == (11, 16)
    assert recording.online == tuple(range(60))
    assert recording.times == "emulated"


def test_times_are_of_hardware_if_the_model_is(tmp_path: Path) -> None:
    """The text may be packed."""
    text = cpuinfo(8).read_text().replace("QEMU TCG CPU version 2.5+", "AMD EPYC 7B13")
    (tmp_path / "cpuinfo.gz").write_bytes(gzip.compress(text.encode()))
    trace = report_of([(0, one_cpu(3))])

    assert from_text(tmp_path, trace, cpuinfo=tmp_path / "cpuinfo.gz").times == "real"
    assert from_text(tmp_path, trace).times == "unknown"


@pytest.mark.parametrize(
    ("trace", "cpus", "why"),
    [
        ("smp16-ebz-malloc", 60, "it lists 60 CPUs, and the trace is of 16"),
        ("smp16-ebz-malloc", 8, r"it lists 8 CPUs, and CPU \d+ is in the trace"),
    ],
)
def test_cpuinfo_of_another_machine_is_refused(trace: str, cpus: int, why: str) -> None:
    """It would give the wrong APIC IDs."""
    with pytest.raises(UsageError, match=f"is not of the machine that was traced: {why}"):
        stored_trace(f"{trace}.txt.gz", cpuinfo=cpuinfo(cpus))


def test_cpuinfo_of_another_model_is_refused(tmp_path: Path) -> None:
    """perf writes the model into its header."""
    text = cpuinfo(8).read_text().replace("QEMU TCG CPU version 2.5+", "AMD EPYC 7B13")
    (tmp_path / "cpuinfo").write_text(text)

    with pytest.raises(
        UsageError, match="its CPUs are 'AMD EPYC 7B13', and those of the trace"
    ):
        stored_trace("smp8-perf_header.txt.gz", cpuinfo=tmp_path / "cpuinfo")


def test_cpus_that_cpuinfo_lacks_are_offline(tmp_path: Path) -> None:
    """trace-cmd counts them, and nothing interrupts them."""
    text = report_of([(0, one_cpu(3))]).replace("cpus=8", "cpus=16")
    recording = from_text(tmp_path, text, cpuinfo=cpuinfo(8))

    assert (recording.cpus, len(recording.online)) == (16, 8)
    assert "are taken as offline: 8-15." in recording.notes[0]


@pytest.mark.parametrize("content", [b"text", b"\x1f\x8bdamaged"])
def test_a_file_that_is_no_cpuinfo_is_refused(tmp_path: Path, content: bytes) -> None:
    """The sentence names the option."""
    (tmp_path / "cpuinfo").write_bytes(content)

    with pytest.raises(UsageError, match="Give --cpuinfo the text"):
        stored_trace("smp16-ebz-malloc.txt.gz", cpuinfo=tmp_path / "cpuinfo")
