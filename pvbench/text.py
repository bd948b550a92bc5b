"""Small pieces of text that messages and reports share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_SHA256: Final = re.compile(r"\b[0-9a-f]{64}\b")
PIPE_WIDTH: Final = 72  # what fits a quoted mail
_ELLIPSIS: Final = "..."


def printable(text: str) -> str:
    r"""
    *text* as a terminal may have it: in one line, and with no character that moves a cursor.

    Line ends and other blanks become spaces; control characters, terminal escapes and
    marks that turn the direction of writing are spelt out, as in ``\x1b``.
    """
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f\x85":
        return " "
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def some(names: Iterable[str], most: int = 5, noun: str = "") -> str:
    """The first names of a long list, as in ``a, b and 3 more``; *noun* says more what."""
    listed = list(names)
    shown = ", ".join(listed[:most])
    rest = len(listed) - most
    if rest <= 0:
        return shown
    return f"{shown} and {rest} more" + (f" {plural(rest, noun)}" if noun else "")


def plural(count: int, noun: str) -> str:
    """*noun* as it stands after *count*: ``case`` or ``cases``."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 case``, ``2 cases``."""
    return f"{count} {plural(count, noun)}"


def short_hashes(text: str) -> str:
    """*text* with each SHA-256 cut to its first eight digits."""
    return _SHA256.sub(lambda digits: digits[0][:8], text)


def shortened(name: str, width: int) -> str:
    """A name of at most *width* characters: the middle of a longer one is left out."""
    if len(name) <= width:
        return name
    kept = width - len(_ELLIPSIS)
    head = (kept + 1) // 2
    return name[:head] + _ELLIPSIS + name[len(name) - (kept - head) :]
