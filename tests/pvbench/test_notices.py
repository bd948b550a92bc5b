"""Notices on standard error before there are results."""

from __future__ import annotations

import os

import pytest

from pvbench import notices
from support.runs import Cli


def test_a_detail_is_for_a_user_who_wants_to_see_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is one line, whatever it has."""
    monkeypatch.delenv(notices.VERBOSE, raising=False)
    notices.detail("hidden")
    monkeypatch.setenv(notices.VERBOSE, "1")
    notices.detail("shown\x1b[2J")

    assert capsys.readouterr().err == "pvbench: shown\\x1b[2J\n"


@pytest.mark.parametrize(("words", "value"), [(("-v",), "1"), ((), "")])
def test_the_option_v_is_for_the_processes_of_a_command_too(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], value: str
) -> None:
    """They inherit the environment."""
    monkeypatch.setenv(notices.VERBOSE, "")
    assert cli(*words, "list", "suites").status == 0

    assert os.environ[notices.VERBOSE] == value
