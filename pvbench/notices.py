"""Notices on standard error before there are results."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

from pvbench.text import printable

VERBOSE: Final = "PVBENCH_VERBOSE"  # `pvbench -v` sets it, for the processes that it starts too


def say(text: str) -> None:
    """Print a sentence that the user should read now; a closed stream is no error."""
    with suppress(OSError):
        print(f"pvbench: {printable(text)}", file=sys.stderr)


def is_verbose() -> bool:
    """Whether the user wants to see all."""
    return bool(os.environ.get(VERBOSE))
