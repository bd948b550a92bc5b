"""
The expressions of ``-k``, with the grammar of pytest's.

Words are joined by ``and``, ``or``, ``not`` and parentheses.  A word is searched anywhere
in a name, in either case of letters.  A word with ``*``, ``?`` or ``[...]`` is a glob, as
in a shell: it must match the name or one of its parts from end to end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

import attrs

from pvbench.errors import UsageError

_LONGEST: Final = 2_000  # characters
_SYMBOL: Final = re.compile(r"[()]|[^\s()]+")
_RANK: Final = {"(": 0, "or": 1, "and": 2, "not": 3}  # the higher one is applied first
_BEFORE_AN_OPERAND: Final = ("(", "not", "and", "or")
_AFTER_AN_OPERAND: Final = (")", "and", "or")
_FIX: Final = (
    "Give words, joined by and, or, not and parentheses; * and ? stand for any characters."
)


@attrs.frozen
class _Word:
    """A word in small letters."""

    text: str

    def matches(self, parts: tuple[str, ...]) -> bool:
        if any(character in self.text for character in "*?["):
            return any(fnmatchcase(part, self.text) for part in parts)
        return self.text in parts[0]


@attrs.frozen
class Keywords:
    """
    An expression that a name matches or does not.

    Args:
        postfix: its words, each operator after its operands; none matches every name.
    """

    postfix: tuple[str | _Word, ...] = ()

    @classmethod
    def parsed(cls, text: str, option: str = "-k") -> Keywords:
        """
        The expression *text* of *option*; a blank one matches every name.

        Raises:
            UsageError: it is malformed or too long.
        """
        if len(text) > _LONGEST:
            raise UsageError(f"the expression of {option} has more than {_LONGEST} characters")
        return cls(tuple(_postfix(text, option))) if text.strip() else cls()

    def matches(self, name: str) -> bool:
        """Whether *name* matches the expression."""
        parts = _parts(name.lower())
        values: list[bool] = []
        for item in self.postfix:
            if isinstance(item, _Word):
                values.append(item.matches(parts))
            elif item == "not":
                values.append(not values.pop())
            else:
                pair = (values.pop(), values.pop())
                values.append(all(pair) if item == "and" else any(pair))
        return values == [True] or not self.postfix


EVERY_NAME: Final = Keywords()


def _parts(name: str) -> tuple[str, ...]:
    """The name, its words, and the pieces of these between ``/``, ``@`` and a first dot."""
    pieces = re.split("[ /@]", name)
    return (name, *name.split(), *pieces, *(piece.partition(".")[2] for piece in pieces[:1]))


def _postfix(text: str, option: str) -> Iterator[str | _Word]:
    """The words and operators of an expression, each operator after its operands."""
    waiting: list[str] = []  # operators whose last operand is not complete, and "("
    for symbol in _checked(text, option):
        if symbol in ("(", "not"):
            waiting.append(symbol)
        elif symbol not in _AFTER_AN_OPERAND:
            yield _Word(symbol.lower())
        else:
            lowest = _RANK.get(symbol, 1)  # 1: ")" completes all operators
            while waiting and _RANK[waiting[-1]] >= lowest:
                yield waiting.pop()
            if symbol != ")":
                waiting.append(symbol)
            elif not waiting:
                raise _malformed(option, text, "a ) has no ( before it")
            else:
                waiting.pop()
    if "(" in waiting:
        raise _malformed(option, text, "a ( has no ) after it")
    yield from reversed(waiting)


def _checked(text: str, option: str) -> Iterator[str]:
    """The symbols of an expression, in an order that is possible."""
    before = "("
    for symbol in _SYMBOL.findall(text):
        is_operator = symbol in _AFTER_AN_OPERAND
        if before in _BEFORE_AN_OPERAND and is_operator:
            raise _malformed(option, text, f"{symbol!r} comes where a word is needed")
        if before not in _BEFORE_AN_OPERAND and not is_operator:
            raise _malformed(option, text, f"there is no `and` or `or` before {symbol!r}")
        yield symbol
        before = symbol
    if before in _BEFORE_AN_OPERAND:
        raise _malformed(option, text, "a word is missing at the end")


def _malformed(option: str, text: str, why: str) -> UsageError:
    return UsageError(f"{option} {text!r} cannot be read", why=why, fix=_FIX)
