"""Traces to a recording: files, packed files, standard input and several processes."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest

from pvbench.errors import DamagedError, UnavailableError, UsageError
from pvbench.recording import load as loading
from pvbench.recording import stored, stream
from pvbench.recording.load import Options
from support.helpers import bundled
from support.recordings import recording_of, rows_of
from support.traces import TRACES, from_text, load_one, mask, one_cpu, report_of

TEXT = report_of([(0, one_cpu(3)), (1, mask("2-3"))])


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_a_packed_text_is_read(tmp_path: Path, pack: object) -> None:
    """By its content, not by its name."""
    path = tmp_path / "trace"
    path.write_bytes(pack(TEXT.encode()))  # type: ignore[operator]

    assert load_one(path).sent.total == 2


def test_members_of_a_packed_file_follow_one_another(tmp_path: Path) -> None:
    """cat of two packed files is a packed file."""
    path = tmp_path / "trace"
    for pack in (gzip.compress, lzma.compress):
        path.write_bytes(pack(TEXT.encode()) + pack(TEXT.encode()))
        assert load_one(path).sent.total == 4


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called -."""
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT.encode())))
    monkeypatch.setattr(sys, "stdin", stdin)

    assert load_one("-").sent.total == 2


@pytest.mark.parametrize(
    ("content", "error", "why"),
    [
        (b"", UsageError, "it is empty"),
        (b"text\n", UsageError, "no reader knows its form"),
        (TEXT.encode()[:-9], DamagedError, "is cut off: its last line has no end"),
        (gzip.compress(TEXT.encode())[:-9], DamagedError, "is cut off or damaged"),
        (lzma.compress(TEXT.encode())[:-9], DamagedError, "is cut off or damaged"),
        (lzma.compress(TEXT.encode())[:40] + b"\0" * 40, DamagedError, "or damaged"),
        (TEXT.encode() + b"x" * 70_000, UsageError, "has a line of more than 65536 bytes"),
    ],
)
def test_a_text_that_is_cut_off_or_none_is_refused(
    tmp_path: Path, content: bytes, error: type[Exception], why: str
) -> None:
    """A cut trace would be a silent loss."""
    path = tmp_path / "trace"
    path.write_bytes(content)

    with pytest.raises(error, match=why):
        load_one(path)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """A folder, a missing file and a name that no file has."""
    for name in (str(tmp_path), str(tmp_path / "none"), "a\0b"):
        with pytest.raises(UsageError, match="cannot be read"):
            load_one(name)


def test_the_text_may_not_be_larger_than_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A packed file can be much larger than it looks."""
    monkeypatch.setattr(stream, "LARGEST", 50)

    with pytest.raises(UsageError, match="more than 50 bytes of text"):
        from_text(tmp_path, TEXT)


def test_lines_end_as_on_unix_or_not(tmp_path: Path) -> None:
    """A text may have come by mail."""
    assert from_text(tmp_path, TEXT.replace("\n", "\r\n")).sent.total == 2


@pytest.mark.parametrize("processes", [1, 2])
def test_several_processes_read_the_same_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """Blocks keep their order."""
    monkeypatch.setattr(stream, "_BLOCK", 4096)
    counts: list[int] = []
    lines = [(n % 5, one_cpu((n + 1) % 5)) for n in range(2000)]
    recording = from_text(
        tmp_path, report_of(lines), processes=processes, progress=counts.append
    )

    assert [source for _, source, _, _ in rows_of(recording)] == [n % 5 for n in range(2000)]
    assert recording.sent.time.tolist() == sorted(recording.sent.time.tolist())
    assert (len(counts) > 5, counts[-1]) == (True, 2001)


def test_an_error_in_a_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the file, as if it was read by one process."""
    monkeypatch.setattr(stream, "_BLOCK", 4096)
    text = report_of([(0, one_cpu(n % 5)) for n in range(2000)]) + "ipi_send_cpu: damaged\n"

    with pytest.raises(UsageError, match=r"trace\.txt: 'ipi_send_cpu: damaged' is not a line"):
        from_text(tmp_path, text, processes=2)


def test_several_files_become_one_recording(tmp_path: Path) -> None:
    """They have one producer."""
    (tmp_path / "a").write_text(TEXT)
    (tmp_path / "b").write_text(report_of([(1, mask("2-3")), (0, one_cpu(3))]))
    files = [str(tmp_path / "a"), str(tmp_path / "b")]
    readers = bundled().table("reader")

    assert loading.load(files, readers, Options()).sent.total == 4
    with pytest.raises(UsageError, match=r"is a text of trace-cmd, and .* one of tracefs"):
        loading.load([files[0], str(TRACES / "smp8-nosymoffset.txt.gz")], readers, Options())


def test_a_trace_is_not_counted_twice(tmp_path: Path) -> None:
    """Neither by one name nor by two, packed or not."""
    (tmp_path / "first").write_text(TEXT)
    (tmp_path / "second").write_bytes(gzip.compress(TEXT.encode()))
    for names in (("first", "first"), ("first", "second")):
        paths = [str(tmp_path / name) for name in names]
        with pytest.raises(UsageError, match=f"{names[1]} begins as .*first does: the same"):
            loading.load(paths, bundled().table("reader"), Options())


def test_traces_of_different_machines_are_no_recording(tmp_path: Path) -> None:
    """Their CPUs are not those of one machine."""
    for number in (8, 16):
        text = report_of([(0, one_cpu(number % 7))]).replace("cpus=8", f"cpus={number}")
        (tmp_path / str(number)).write_text(text)

    paths = [str(tmp_path / name) for name in ("8", "16")]
    with pytest.raises(UsageError, match="of different machines: CPUs 8 and 16"):
        loading.load(paths, bundled().table("reader"), Options())


def test_a_recording_is_read_where_a_trace_is_expected(tmp_path: Path) -> None:
    """A replay takes both; importing it again makes no sense."""
    path = tmp_path / "a.recording"
    stored.write(recording_of(), path)
    (tmp_path / "trace").write_text(TEXT)
    readers = bundled().table("reader")

    assert rows_of(loading.read(str(path), readers, Options())) == rows_of(recording_of())
    assert loading.read(str(tmp_path / "trace"), readers, Options()).sent.total == 2
    with pytest.raises(UsageError, match="is a recording already"):
        load_one(path)


def test_a_reader_can_be_named(tmp_path: Path) -> None:
    """One that does not exist is refused."""
    assert from_text(tmp_path, TEXT, reader="bare", masks="list").producer == "bare"
    with pytest.raises(UsageError, match="there is no reader called 'trace-cdm'"):
        from_text(tmp_path, TEXT, reader="trace-cdm")


def fake_tool(folder: Path, name: str, script: str) -> None:
    """A program *name* in *folder*."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_binary_file_is_printed_by_its_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tool says on standard error counts as well, such as lost events."""
    (tmp_path / "text").write_text("".join(TEXT.splitlines(keepends=True)[1:]))
    fake_tool(tmp_path, "trace-cmd", f'cat {tmp_path}/text; echo "cpus=8" >&2')
    path = tmp_path / "trace.dat.gz"
    path.write_bytes(gzip.compress(b"\x17\x08\x44tracing6"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    recording = load_one(path)
    assert (recording.producer, recording.sent.total, recording.cpus) == ("trace-cmd", 2, 8)


def test_a_tool_that_fails_or_is_missing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence has its own words."""
    path = tmp_path / "perf.data"
    path.write_bytes(b"PERFILE2")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match="a file of perf, which is not installed"):
        load_one(path)
    fake_tool(tmp_path, "perf", "echo incompatible file format >&2; exit 255")
    with pytest.raises(UsageError, match=r"perf cannot read .*: incompatible file format"):
        load_one(path)


def test_a_trace_without_events_that_matter_is_refused(tmp_path: Path) -> None:
    """Entries alone do not say who sends."""
    text = report_of([(0, "reschedule_entry: vector=253")])

    with pytest.raises(UsageError, match="has no event that says who interrupts whom"):
        from_text(tmp_path, text)


def test_a_send_without_a_cpu_is_refused(tmp_path: Path) -> None:
    """Its source would be unknown."""
    with pytest.raises(UsageError, match="does not show which CPU sends"):
        from_text(tmp_path, f"5.0: {one_cpu(3)}\n")
