"""Notices on standard error before there are results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from pvbench.text import printable

VERBOSE: Final = "PVBENCH_VERBOSE"  # `pvbench -v` sets it, for the processes that it starts too


def say(text: str) -> None:
    """Print a sentence that the user should read now; a closed stream is no error."""
    with suppress(OSError):
        print(f"pvbench: {printable(text)}", file=sys.stderr)


@contextmanager
def verbose(*, is_on: bool) -> Iterator[None]:
    """Let the user see all while a command runs, also what its processes print."""
    before = os.environ.get(VERBOSE)
    if is_on:
        os.environ[VERBOSE] = "1"
    try:
        yield
    finally:
        os.environ.pop(VERBOSE, None)
        if before is not None:
            os.environ[VERBOSE] = before


def is_verbose() -> bool:
    """Whether the user wants to see all."""
    return bool(os.environ.get(VERBOSE))
