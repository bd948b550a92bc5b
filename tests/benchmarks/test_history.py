"""The short form of `benchmarks/history.py`."""

from __future__ import annotations

import sys

import pytest

import history


def test_the_index_gives_the_same_answer_as_new_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step in the files is found both times."""
    monkeypatch.setattr(sys, "argv", ["history.py", "--files", "8", "--cases", "2"])
    monkeypatch.setattr(history, "_LIMIT_S", 1000.0)

    assert history.main() == 0
    assert "8 files with 2 cases each" in capsys.readouterr().out


def test_a_step_that_is_not_found_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fast wrong answer would not count."""
    monkeypatch.setattr(sys, "argv", ["history.py", "--files", "1", "--cases", "1"])

    assert history.main() == 1
    assert "the step is not found" in capsys.readouterr().err


def test_an_answer_that_takes_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status says so."""
    monkeypatch.setattr(sys, "argv", ["history.py", "--files", "8", "--cases", "1"])
    monkeypatch.setattr(history, "_LIMIT_S", 0.0)

    assert history.main() == 1
