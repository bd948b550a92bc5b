"""Notices on standard error before there are results."""

from __future__ import annotations

import os

import pytest

from pvbench import notices
from support.runs import Cli


def test_a_notice_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it has."""
    notices.say("shown\x1b[2J\n")

    assert capsys.readouterr().err == "pvbench: shown\\x1b[2J \n"


@pytest.mark.parametrize(("words", "value"), [(("-v",), "1"), ((), "")])
def test_the_option_v_is_for_the_processes_of_a_command_too(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], value: str
) -> None:
    """They inherit the environment."""
    monkeypatch.setenv(notices.VERBOSE, "")
    assert cli(*words, "list", "suites").status == 0

    assert os.environ[notices.VERBOSE] == value
    assert notices.is_verbose() == bool(value)
