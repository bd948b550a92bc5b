"""Standard streams may be closed, full or unable to encode a character."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

from pvbench.text import printable, shortened, text_of

_LONGEST: Final = 1_000  # characters of a warning


class _ReaderMayGo(io.TextIOWrapper):
    """A standard stream that drops its text once the reader of its pipe has gone."""

    def write(self, text: str, /) -> int:
        """Write *text* or drop it, so that the command keeps its exit status."""
        try:
            return super().write(text)
        except BrokenPipeError:
            _to_null(self.fileno())
            return len(text)

    def flush(self) -> None:
        """Write buffered text or drop it."""
        try:
            super().flush()
        except BrokenPipeError:
            _to_null(self.fileno())


def open_standard_streams() -> None:
    """
    Open /dev/null in place of closed standard streams.

    Otherwise the next file gets the descriptor of a standard stream, and the output of a
    child process ends up in it.  A character that a stream cannot encode is escaped.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - stays open
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = _tolerant(sys.stdout), _tolerant(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def _tolerant(stream: Any) -> Any:
    """*stream* on a `_ReaderMayGo`, unless a caller has replaced it."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # PYTHONUNBUFFERED leaves the buffer out
    if type(raw) is not io.FileIO:
        return stream
    file = io.FileIO(stream.fileno(), "w", closefd=False)
    return _ReaderMayGo(
        io.BufferedWriter(file),
        encoding=stream.encoding,
        line_buffering=stream.line_buffering or file.isatty(),
    )


def complain(text: str) -> None:
    """Print a message on standard error; ignore a failure to print it."""
    with suppress(OSError):
        print(f"pvbench: {text}", file=sys.stderr, flush=True)


@contextmanager
def warnings_as_sentences() -> Iterator[None]:
    """
    Print a warning of Python as a message: its text may come from the file of a plugin.
    """
    before, warnings.showwarning = warnings.showwarning, _show_warning
    try:
        yield
    finally:
        warnings.showwarning = before


def _show_warning(  # noqa: PLR0917 - the parameters that Python gives
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    text = message if isinstance(message, str) else text_of(message)
    sentence = f"{filename}, line {lineno}, gives a {text}"
    complain(shortened(printable(sentence), _LONGEST))


def flush() -> None:
    """
    Write buffered text, or drop it if it cannot be written.

    Otherwise the interpreter fails to write it at exit and changes the exit status.
    """
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            _to_null(descriptor)


def _to_null(descriptor: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
