"""The benchmark of reading traces."""

from __future__ import annotations

import pytest

import recording


def test_it_prints_times_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    """With few lines it takes no time."""
    assert recording.main(["--lines", "500", "--processes", "1"]) == 0

    printed = capsys.readouterr().out
    for words in ("import", "columns and sets in memory", "size of the recording"):
        assert words in printed
