"""Standard streams that are closed, full or unable to show a character end in no traceback."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def open_standard_streams() -> None:
    """
    Put /dev/null in the place of closed standard streams.

    Otherwise the next file that is opened gets the number of a standard stream, and what
    a child process prints ends up in it.  A character that a stream cannot encode is
    printed as its escape.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - open till the end
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def complain(text: str) -> None:
    """Print a message on standard error; one that cannot be printed is no error."""
    with suppress(OSError):
        print(f"pvbench: {text}", file=sys.stderr, flush=True)


def flush() -> None:
    """
    Write buffered text, or drop what cannot be written.

    It would fail again when the interpreter ends, which then changes the exit status.
    """
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)
