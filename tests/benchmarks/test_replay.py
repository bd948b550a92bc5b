"""The benchmark of replays."""

from __future__ import annotations

import pytest

import replay


def test_it_prints_times_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    """With few sends it takes no time."""
    assert replay.main(["--sends", "300"]) == 0

    printed = capsys.readouterr().out
    for words in ("replay of a recording", "replay of a text", " MB", "CPU s so far"):
        assert words in printed
