"""Notices on standard error before there are results."""

from __future__ import annotations

import argparse
import os

import pytest

from pvbench import notices
from support.runs import Cli


def test_a_notice_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it has."""
    notices.say("shown\x1b[2J\n")

    assert capsys.readouterr().err == "pvbench: shown\\x1b[2J \n"


@pytest.mark.parametrize("before", [None, "", "1"])
@pytest.mark.parametrize(("words", "is_verbose"), [(("-v",), True), ((), False)])
def test_the_option_v_is_for_one_command_and_its_processes(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    before: str | None,
    *,
    is_verbose: bool,
) -> None:
    """The processes inherit the environment, which is the same again afterwards."""
    monkeypatch.delenv(notices.VERBOSE, raising=False)
    if before is not None:
        monkeypatch.setenv(notices.VERBOSE, before)
    seen: list[bool] = []

    def execute(options: argparse.Namespace) -> int:
        seen.append(notices.is_verbose())
        return 0

    monkeypatch.setattr("pvbench.cli.list.execute", execute)

    assert cli(*words, "list", "suites").status == 0
    assert seen == [is_verbose or bool(before)]
    assert os.environ.get(notices.VERBOSE) == before
