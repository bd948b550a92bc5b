"""The short form of `benchmarks/steps.py`."""

from __future__ import annotations

import sys

import pytest

import steps

SETTING = steps.Setting(runs=12, sessions=20)


def test_large_steps_are_found_and_others_are_not() -> None:
    """A tenth of the time is much more than the noise."""
    assert steps.shares(1, SETTING, 0.1, 20) == (1.0, 1.0)
    assert steps.shares(1, SETTING, 0.0, 20)[0] <= 0.1


def test_the_table_has_a_line_for_each_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Too many false steps are an exit status."""
    monkeypatch.setattr(sys, "argv", ["steps.py", "--histories", "2", "--seed", "1"])
    monkeypatch.setattr(steps, "_SETTINGS", (SETTING,))

    assert steps.main() == 0
    assert "   12        20   0.0 %" in capsys.readouterr().out
    monkeypatch.setattr(steps, "_MOST_FALSE", 0.0)
    monkeypatch.setattr(steps, "shares", lambda *arguments: (1.0, 1.0))
    assert steps.main() == 1
