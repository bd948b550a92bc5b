"""How an exception ends a command: a sentence on standard error, and an exit status."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

from pvbench.cli import streams
from pvbench.errors import PvbenchError, Status
from pvbench.text import printable, shortened, text_of

VERBOSE: Final = "-v"  # the option that prints the traceback of a bug
_LONGEST: Final = 4_000  # characters of a message
_BUG: Final = 70  # EX_SOFTWARE of sysexits.h


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise an exception, as SIGINT does, so that every context is left."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise _TerminatedError


def end_by(error: BaseException, *, is_verbose: bool) -> int:
    """Print why *error* ends the command, and return the exit status."""
    match error:
        case PvbenchError():
            streams.complain(shortened(printable(str(error)), _LONGEST))
            return int(error.status)
        case OSError():
            file = repr(error.filename) if error.filename else "standard output"
            streams.complain(f"{file} cannot be used: {error.strerror}")
            return int(Status.ENVIRONMENT)
        case KeyboardInterrupt():
            is_sigterm = isinstance(error, _TerminatedError)
            return ended_early(signal.SIGTERM if is_sigterm else signal.SIGINT)
    return _bug(error, is_verbose=is_verbose)


def ended_early(number: int) -> int:
    """Say that signal *number* ended the command, and return the exit status for it."""
    streams.complain(f"ended early by signal {number:d}")
    return 128 + number


def _bug(error: BaseException, *, is_verbose: bool) -> int:
    """Print *error*, which must not end as a regression."""
    from traceback import format_exception

    sentence = f"this is a bug of pvbench or of a plugin, please report it: {text_of(error)}"
    if is_verbose:
        lines = "".join(format_exception(error)).splitlines()
        streams.complain("\n".join([sentence, *map(printable, lines)]))
    else:
        streams.complain(f"{sentence}. With {VERBOSE} the same command prints the traceback.")
    return _BUG
