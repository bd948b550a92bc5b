"""Small pieces of text that messages and reports share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_SHA256: Final = re.compile(r"\b[0-9a-f]{64}\b")
PIPE_WIDTH: Final = 72  # short enough to be quoted in a mail
# A number, and the unit or the noun after it, which belongs on the same line.
_UNIT: Final = re.compile(
    r"(?<=[0-9]) (?=(?:ps|ns|us|ms|s|min|h|%|kB|MB|GB|KiB|MiB|GiB|Hz|MHz|GHz|times|"
    r"v?CPUs?|boots?|cases?|programs?|targets?|ticks?|loops?)(?![\w-]))"
)
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"  # which no printable text has
_ELLIPSIS: Final = "..."
_LONGEST_LINE: Final = 600  # characters of untrusted text


def printable(text: str) -> str:
    r"""
    *text* in a form that is safe in a terminal: one line, no character that moves the cursor.

    Line ends and other blanks become spaces; control characters, terminal escapes and
    marks that change the direction of writing are escaped, as in ``\x1b``.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f\x85":
        return " "
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def unbroken(text: str) -> str:
    """*text* with spaces at which a line must not be broken, for `breakable` to take back."""
    return _UNIT.sub(_NO_BREAK, text)


def breakable(text: str) -> str:
    """The inverse of `unbroken`."""
    return text.replace(_NO_BREAK, " ")


def text_of(error: BaseException) -> str:
    """Type and text of *error* in one short line, even if its str() raises."""
    try:
        text = str(error)
    except BaseException:  # str() of a plugin's exception is a plugin's code too
        text = "its text cannot be shown"
    name = type(error).__name__
    return one_line(f"{name}: {text}" if text else name)


def one_line(text: str) -> str:
    """Untrusted *text* as one line of bounded length, without control characters."""
    ellipsis = " ..." if len(text) > _LONGEST_LINE else ""
    return " ".join(printable(text[:_LONGEST_LINE]).split()) + ellipsis


def shortened_list(names: Iterable[str], limit: int = 5, noun: str = "") -> str:
    """The first *limit* names and the number of others, as in ``a, b and 3 more cases``."""
    all_names = list(names)
    text = ", ".join(all_names[:limit])
    hidden = len(all_names) - limit
    if hidden <= 0:
        return text
    return f"{text} and {hidden} more" + (f" {plural(hidden, noun)}" if noun else "")


def listed(names: Sequence[str]) -> str:
    """All *names* in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def plural(count: int, noun: str) -> str:
    """*noun* in the singular or the plural: ``case`` or ``cases``."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 case``, ``2 cases``."""
    return f"{count} {plural(count, noun)}"


def percent(part: float) -> str:
    """A part with three significant digits: ``5 %``, ``12.3 %``."""
    return f"{100 * part:.3g} %"


def short_hashes(text: str) -> str:
    """*text* with each SHA-256 cut to its first eight digits."""
    return _SHA256.sub(lambda digits: digits[0][:8], text)


def shortened(name: str, width: int) -> str:
    """*name* in at most *width* characters; the middle of a longer name is left out."""
    if len(name) <= width:
        return name
    length = width - len(_ELLIPSIS)
    head = (length + 1) // 2
    return name[:head] + _ELLIPSIS + name[len(name) - (length - head) :]
