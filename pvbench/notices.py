"""Notices on standard error before there are results."""

from __future__ import annotations

import sys
from contextlib import suppress

from pvbench.text import printable


def say(text: str) -> None:
    """Print a sentence that the user should read now; a closed stream is no error."""
    with suppress(OSError):
        print(f"pvbench: {printable(text)}", file=sys.stderr)
