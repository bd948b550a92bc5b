"""Progress: a bar on a terminal, otherwise plain lines or nothing."""

from __future__ import annotations

import os
import pty
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr
from typing import IO

import pytest

from pvbench.run import progress

Screen = Callable[[], str]
Terminal = Callable[[], AbstractContextManager[Screen]]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard error a terminal; return a reader of what was written since."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")

    @contextmanager
    def opened() -> Iterator[Screen]:
        reading, writing = map(os.fdopen, pty.openpty(), ("r", "w"))
        with reading, writing, redirect_stderr(writing):
            yield lambda: "".join(until_now(reading, writing))

    return opened


def until_now(reading: IO[str], writing: IO[str]) -> Iterator[str]:
    """Read until the terminal has passed on everything written so far."""
    writing.write("\0")
    writing.flush()
    return iter(lambda: reading.read(1), "\0")


def words(text: str) -> str:
    """The words on the screen, without control sequences and the bar itself."""
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\r\n━╸╺]", " ", text).split())


def test_the_bar_counts_the_boots_that_are_over(terminal: Terminal) -> None:
    """It is drawn before each boot begins."""
    with terminal() as screen, progress.make(3, quiet=False) as bar:
        screen()
        bar.boot(1, "dense:2, 5 cases")
        first = words(screen())
        bar.boot(3, "dense:8, 5 cases")
        third = words(screen())

    assert (first, third) == ("boots 0/3 dense:2, 5 cases", "boots 2/3 dense:8, 5 cases")


def test_the_bar_is_erased_after_the_last_boot(terminal: Terminal) -> None:
    """Results start on a clean line with the cursor shown."""
    with terminal() as screen:
        with progress.make(1, quiet=False) as bar:
            bar.boot(1, "dense:2")
            drawn = screen()
        erased = screen()

    assert "\x1b[?25l" in drawn  # hides the cursor
    assert "\x1b[?25h" in erased  # shows it
    assert erased.rstrip().endswith("\x1b[2K")  # erases the line


def test_the_bar_starts_no_thread(terminal: Terminal) -> None:
    """A refreshing thread would disturb timed boots."""
    before = threading.active_count()
    with terminal(), progress.make(1, quiet=False) as bar:
        bar.boot(1, "dense:2")
        during = threading.active_count()

    assert before == during


def test_a_quiet_run_draws_nothing_on_a_terminal(terminal: Terminal) -> None:
    """It does not even print an empty line."""
    with terminal() as screen:
        with progress.make(1, quiet=True) as silent:
            silent.boot(1, "dense:2")

        assert screen() == ""


@pytest.mark.parametrize(
    ("quiet", "expected"),
    [
        pytest.param(False, "boot 1/2: dense:2\nboot 2/2: dense:8\n", id="lines"),
        pytest.param(True, "", id="quiet"),
    ],
)
def test_a_file_gets_one_line_for_each_boot(
    capsys: pytest.CaptureFixture[str], quiet: bool, expected: str
) -> None:
    """A quiet run writes no line."""
    with progress.make(2, quiet=quiet) as lines:
        lines.boot(1, "dense:2")
        lines.boot(2, "dense:8")

    assert capsys.readouterr() == ("", expected)


def test_a_long_run_says_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that is continued counts its own boots only, and a short one says nothing."""
    times = iter([100.0, 100.0, 109.0, 130.0, 4000.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))

    with progress.make(7, quiet=False) as lines:
        for number in (3, 4, 5, 7):
            lines.boot(number, "dense:2")

    assert capsys.readouterr().err.splitlines() == [
        "boot 3/7: dense:2",
        "boot 4/7: dense:2",
        "boot 5/7: dense:2 (0:00:30 elapsed, about 0:00:45 left)",
        "boot 7/7: dense:2 (1:05:00 elapsed, about 0:16:15 left)",
    ]


def test_the_bar_shows_the_times_of_a_long_run(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    """They are beside the guest."""
    times = iter([0.0, 0.0, 20.0])
    with terminal() as screen, progress.make(3, quiet=False) as bar:
        monkeypatch.setattr(progress, "monotonic", lambda: next(times))
        bar.boot(1, "dense:2")
        screen()
        bar.boot(2, "dense:2")

        assert "dense:2 (0:00:20 elapsed, about 0:00:40 left)" in words(screen())


def test_a_line_of_progress_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    """The name of a guest comes from a suite, which is a plugin's."""
    with progress.make(1, quiet=False) as lines:
        lines.boot(1, "\x1b[31mred\n")

    assert capsys.readouterr().err == "boot 1/1: \\x1b[31mred \n"


def test_the_bar_shows_a_guest_as_it_is_named(terminal: Terminal) -> None:
    """Its name is not interpreted as markup of rich, and has no escape."""
    with terminal() as screen, progress.make(1, quiet=False) as bar:
        bar.boot(1, "[red]\x1b]0;title\x07")

        assert "[red]\\x1b]0;title\\x07" in screen()


@pytest.mark.parametrize(
    ("is_terminal", "quiet", "lines"),
    [
        (True, False, ["3 of 9 are done", "6 of 9 are done"]),
        (True, True, []),
        (False, False, []),
    ],
)
def test_a_long_computation_says_once_a_second_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_terminal: bool,
    quiet: bool,
    lines: list[str],
) -> None:
    """On a terminal only."""
    times = iter((0.0, 0.5, 0.9, 1.0, 1.0, 1.5, 1.9, 2.0, 2.5, 2.9))
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    beat = progress.Heartbeat("are done", quiet=quiet)
    for done in range(1, 8):
        beat.at(done, 9)

    assert capsys.readouterr().err.splitlines() == [f"pvbench: {line}" for line in lines]


def test_a_computation_of_unknown_length_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """About once a second, on a terminal."""
    times = iter((0.0, 0.5, 1.0, 1.0, 1.5))
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    beat = progress.Heartbeat("lines are read", quiet=False)
    for done in (10, 20, 30):
        beat.count(done)

    assert capsys.readouterr().err == "pvbench: 20 lines are read\n"
