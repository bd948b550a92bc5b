"""Progress on standard error: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import Final, Protocol, Self

from pvbench import notices
from pvbench.text import printable

_BEAT_S: Final = 1.0
_SHORT_S: Final = 10.0  # a run that is shorter shows no times


class Progress(Protocol):
    """Shows each boot; leaving the context cleans up the terminal."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...

    def boot(self, number: int, what: str) -> None:
        """Show that boot *number* (from 1) begins; called before it starts, never during it."""
        ...


class _Times:
    """How long the boots have taken, and about how long the others will take."""

    def __init__(self, total: int) -> None:
        self._total, self._first, self._begin_s = total, 0, 0.0

    def before(self, number: int) -> str:
        """The times before boot *number*; a run that is continued begins with a later one."""
        if not self._first:
            self._first, self._begin_s = number, monotonic()
        done, elapsed_s = number - self._first, monotonic() - self._begin_s
        if not done or elapsed_s < _SHORT_S:
            return ""
        left_s = elapsed_s / done * (self._total - number + 1)
        return f" ({_clock(elapsed_s)} elapsed, about {_clock(left_s)} left)"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


class Lines:
    """Prints one line for each boot, or nothing if quiet."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        self._total, self._quiet, self._times = total, quiet, _Times(total)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def boot(self, number: int, what: str) -> None:
        """See `Progress`."""
        if self._quiet:
            return
        line = f"boot {number}/{self._total}: {what}{self._times.before(number)}"
        with suppress(OSError):  # a run goes on when its progress cannot be printed
            print(printable(line), file=sys.stderr)


class Bar:
    """Shows rich's bar and refreshes it itself, so that no thread disturbs a timed boot."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("boots"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total)
        self._times = _Times(total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def boot(self, number: int, what: str) -> None:
        """See `Progress`."""
        text = printable(what + self._times.before(number))
        self._bar.update(self._task, completed=number - 1, description=text)
        self._bar.refresh()


class Heartbeat:
    """
    Says on a terminal about once a second how far a long computation is.

    Args:
        what: what is done, as in ``cases are planned``.
    """

    def __init__(self, what: str, *, quiet: bool) -> None:
        self._what, self._quiet = what, quiet or not sys.stderr.isatty()
        self._next_s = monotonic() + _BEAT_S

    def count(self, done: int) -> None:
        """Note that *done* are done, of a number that is not known."""
        if not self._quiet and monotonic() >= self._next_s:
            notices.say(f"{done} {self._what}")
            self._next_s = monotonic() + _BEAT_S

    def at(self, done: int, total: int) -> None:
        """Note that *done* of *total* are done."""
        if not self._quiet and monotonic() >= self._next_s:
            notices.say(f"{done} of {total} {self._what}")
            self._next_s = monotonic() + _BEAT_S


def make(total: int, *, quiet: bool) -> Progress:
    """Return a bar if standard error is a terminal, else plain lines."""
    if sys.stderr.isatty() and not quiet:
        return Bar(total)
    return Lines(total, quiet=quiet)
