"""How an exception ends a command: a sentence on standard error, and an exit status."""

from __future__ import annotations

from typing import Final

from pvbench.cli import streams
from pvbench.errors import PvbenchError, Status
from pvbench.text import printable, shortened, text_of

VERBOSE: Final = "-v"  # the option that prints the traceback of a bug
_LONGEST: Final = 4_000  # characters of a message
_BUG: Final = 70  # EX_SOFTWARE of sysexits.h


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
            return 130
    return _bug(error, is_verbose=is_verbose)


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
