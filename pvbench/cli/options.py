"""The options of a command's parser, and the one that an error is about."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from pvbench.errors import UsageError

# argparse has no public way to list the actions of a parser, or to tell their kinds apart.
_Append: Final = argparse._AppendAction
_SubParsers: Final = argparse._SubParsersAction


class Options(Protocol):
    """A parser or a group of one, to which options can be added."""

    def add_argument(self, *names: str, **options: Any) -> argparse.Action: ...
    def add_mutually_exclusive_group(self) -> Options: ...


def actions(parser: argparse.ArgumentParser) -> tuple[argparse.Action, ...]:
    """The arguments of a parser."""
    return tuple(parser._actions)


def by_name(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options of a parser, by each of their names."""
    return {name: action for action in actions(parser) for name in action.option_strings}


def by_name_with_below(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options of a parser and of the parsers of its sub-commands."""
    options = by_name(parser)
    for action in actions(parser):
        choices: Any = action.choices
        if isinstance(action, _SubParsers):
            for parser_below in choices.values():
                options |= by_name_with_below(parser_below)
    return options


def is_repeatable(action: argparse.Action) -> bool:
    """Whether each occurrence of an option adds a value."""
    return isinstance(action, _Append)


def naming(
    error: UsageError, parser: argparse.ArgumentParser, words: Sequence[str]
) -> UsageError:
    """
    *error*, with the name of the option whose value it quotes.

    Args:
        error: an error that a command raises.
        parser: the command's.
        words: its arguments.
    """
    names = by_name_with_below(parser)
    text = f"{error.what} {error.why}"
    if any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names):
        return error
    quoting = {option for option, value in _given(words, names) if _quotes(text, value)}
    if len(quoting) != 1:
        return error
    return UsageError(f"{quoting.pop()}: {error.what}", why=error.why, fix=error.fix)


def _given(
    words: Sequence[str], names: dict[str, argparse.Action]
) -> Iterator[tuple[str, str]]:
    """The options among *words* that take values, each with a value."""
    for place, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option not in names:  # perhaps -oFILE
            option, equals, value = word[:2], "=" * (len(word) > 2), word[2:]
        if option in names and names[option].nargs != 0:
            values = [value] if equals else words[place + 1 : place + 2]
            yield from ((option, one) for one in values)


def _quotes(text: str, value: str) -> bool:
    """Whether *text* quotes *value*, an item of it, or the address in it."""
    parts = (value.partition(":")[2], *map(str.strip, value.split(",")))
    items = {value, *parts, *re.split("[,:]", value)} - {""}
    return any(repr(item) in text for item in items)
