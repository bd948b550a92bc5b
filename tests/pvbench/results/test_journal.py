"""The journal: append-only, on disk line by line, readable after any end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError, UsageError
from pvbench.results import journal
from pvbench.results.journal import Journal

PLAN = '{"plan": {"format": 1, "suite": "norov"}}\n'
BOOT = '{"boot": 1, "outcome": "ok"}\n'


def read_back(path: Path, content: bytes) -> list[dict[str, object]]:
    """The entries of a journal with this content."""
    path.write_bytes(content)
    return journal.read(path)


def test_a_journal_is_beside_its_results() -> None:
    """Same name, so that one is found from the other."""
    assert journal.beside(Path("results/one.json")) == Path("results/one.jsonl")


def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    """Each line is one JSON value, and earlier lines stay."""
    with Journal.opened(tmp_path / "a.jsonl") as book:
        book.write(plan={"format": 1})
        book.write(boot=1, outcome="ok")

    assert book.path.read_text() == '{"plan": {"format": 1}}\n{"boot": 1, "outcome": "ok"}\n'


def test_a_line_is_on_disk_when_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killing the run at any moment loses at most the boot in flight."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    with Journal.opened(tmp_path / "a.jsonl") as book:
        book.write(boot=1)
        book.write(boot=2)

    assert synced == [len('{"boot": 1}\n'), 2 * len('{"boot": 1}\n')]


def test_written_entries_are_read_back(tmp_path: Path) -> None:
    """Any JSON value survives, also text beyond ASCII."""
    with Journal.opened(tmp_path / "a.jsonl") as book:
        book.write(plan={"format": 1, "label": "Gäste"})

    assert journal.read(book.path) == [{"plan": {"format": 1, "label": "Gäste"}}]


def test_a_missing_journal_has_no_entries(tmp_path: Path) -> None:
    """A result file may come without one, published ones do."""
    assert journal.read(tmp_path / "missing.jsonl") == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PLAN + BOOT + '{"boot": 2, "outc', id="half-a-line"),
        pytest.param(PLAN + BOOT + '{"boot": 2', id="no-end-of-line"),
        pytest.param(PLAN + BOOT + "\0\0\0\0", id="zeros-after-a-crash"),
    ],
)
def test_a_half_written_last_line_is_ignored(tmp_path: Path, content: str) -> None:
    """A run that was killed leaves every finished boot."""
    entries = read_back(tmp_path / "a.jsonl", content.encode())

    assert [list(entry) for entry in entries] == [["plan"], ["boot", "outcome"]]


def test_an_empty_journal_has_no_entries(tmp_path: Path) -> None:
    """The run was killed before its plan was written."""
    assert read_back(tmp_path / "a.jsonl", b"") == []


def test_a_journal_of_another_format_is_refused(tmp_path: Path) -> None:
    """Otherwise its reasons could be wrong."""
    with pytest.raises(UsageError, match=r"a\.jsonl is a journal of format 2, not 1\. Use"):
        read_back(tmp_path / "a.jsonl", b'{"plan": {"format": 2}}\n')


@pytest.mark.parametrize("cut", range(len(PLAN)))
def test_a_half_written_plan_is_ignored(tmp_path: Path, cut: int) -> None:
    """The run was killed while its first line was written."""
    assert read_back(tmp_path / "a.jsonl", PLAN[:cut].encode()) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hello", id="text"),
        pytest.param(b'{"boot": 1', id="half-a-boot"),
        pytest.param(PLAN.encode() + b"hello\n", id="a-last-line-that-is-whole"),
        pytest.param(b"\xff\xfe\x80\n", id="binary"),
        pytest.param(b"3\n", id="number"),
        pytest.param(BOOT.encode(), id="no-plan"),
        pytest.param(PLAN.encode() + b'{"boot": "one", "outcome": "ok"}\n', id="boot-is-text"),
        pytest.param(PLAN.encode() + b'{"boot": 1, "outcome": "fine"}\n', id="outcome"),
        pytest.param(PLAN.encode() + b'{"case": "a", "outcome": "void"}\n', id="no-reason"),
        pytest.param(
            PLAN.encode()
            + b'{"case": "a", "outcome": "void", "reason": "", "of_host": "no"}\n',
            id="of-host-is-text",
        ),
        pytest.param(PLAN.encode() + b'{"end": -1}\n', id="negative-end"),
        pytest.param(b"[1]\n", id="list"),
        pytest.param(PLAN.encode() + b"7\n", id="number-after-the-plan"),
        pytest.param(b'{"plan": 3}\n', id="plan-is-a-number"),
        pytest.param(PLAN.encode() + b'{"boot": ' + b"9" * 5000 + b"}\n", id="digits"),
        pytest.param(b'{"plan": ' + b"[" * 60 + b"]" * 60 + b"}\n", id="deep-plan"),
        pytest.param(PLAN.encode() + b'{"mine": NaN}\n', id="not-a-number"),
    ],
)
def test_a_file_that_is_not_a_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged file is bad input, not a traceback."""
    with pytest.raises(UsageError, match=r"a\.jsonl "):
        read_back(tmp_path / "a.jsonl", content)


def test_a_full_disk_is_named_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit status is 5, and the message names the file."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with (
        Journal.opened(tmp_path / "a.jsonl") as book,
        pytest.raises(UnavailableError, match=r"a\.jsonl cannot be written: No space left"),
    ):
        book.write(boot=1)


def test_a_missing_directory_is_named_in_the_error(tmp_path: Path) -> None:
    """The journal never makes directories; claiming the result file does."""
    with (
        pytest.raises(UnavailableError, match="cannot be written: No such file"),
        Journal.opened(tmp_path / "no" / "a.jsonl"),
    ):
        pass


def test_two_runs_cannot_write_one_journal(tmp_path: Path) -> None:
    """The second run ends with a sentence; the lock ends with the first run."""
    path = tmp_path / "a.jsonl"
    with (
        Journal.opened(path) as book,
        pytest.raises(UnavailableError, match=r"another run is writing .*a\.jsonl"),
        Journal.opened(path),
    ):
        pass
    with Journal.opened(path):
        assert book.path == path


@pytest.mark.parametrize("cut", range(1, len(BOOT) + 1))
def test_a_half_written_line_is_gone_when_a_journal_is_opened_again(
    tmp_path: Path, cut: int
) -> None:
    """A killed run leaves any part of its last line behind."""
    path = tmp_path / "a.jsonl"
    path.write_text(PLAN + BOOT[:-cut])
    with Journal.opened(path) as book:
        book.write(boot=2)

    assert path.read_text() == PLAN + '{"boot": 2}\n'
