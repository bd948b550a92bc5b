"""Notices go to standard error."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from pvbench.notices import say


def test_a_notice_is_one_printable_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Its text may come from a file: no escape reaches the terminal."""
    say("waiting\n\x1b[2J")

    assert capsys.readouterr() == ("", "pvbench: waiting \\x1b[2J\n")


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_notice_to_a_full_disk_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on without it."""
    monkeypatch.setattr(sys, "stderr", Full())
    with pytest.raises(OSError, match="No space left"):
        print("anything", file=sys.stderr)

    say("waiting")
