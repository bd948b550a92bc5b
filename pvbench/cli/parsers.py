"""Parsers of command lines: their help fits the terminal, and a misspelt option is named."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from pvbench.cli import common
from pvbench.errors import UsageError, unknown


class Formatter(argparse.HelpFormatter):
    """Help and usage as wide as the terminal, 72 columns in a pipe; line ends are kept."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=common.width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            textwrap.fill(line, width, initial_indent=indent, subsequent_indent=_hanging(line))
            for line in text.splitlines()
        )

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        text = super()._format_args(action, default_metavar)
        optional = action.nargs == argparse.PARSER and not action.required
        return f"[{text}]" if optional else text


def _hanging(line: str) -> str:
    """The indentation of the lines that continue *line*, a little deeper than its own."""
    margin = len(line) - len(line.lstrip())
    return " " * (margin + 3 if margin else 0)


def parse(
    parser: argparse.ArgumentParser, command: argparse.ArgumentParser, words: Sequence[str]
) -> argparse.Namespace:
    """
    Parse *words*, whose first one is the name of *command* or an option of *parser*.

    Raises:
        UsageError: *command* has no such option, or takes fewer words.
        SystemExit: after help, the version or another wrong usage, which is printed.
    """
    options = list(_options(command))
    words = joined(words, command)
    for word in words:
        if word == "--":
            break
        if word.startswith("--") and word.partition("=")[0] not in options:
            raise _no_option(word, command, options)
    namespace, unparsed = parser.parse_known_args(words)
    if unparsed:
        if unparsed[0].startswith("-") and unparsed[0] != "--":
            raise _no_option(unparsed[0], command, ())  # one letter is near to any other
        raise UsageError(
            f"{command.prog} takes no argument {unparsed[-1]!r}", fix=_listing(command)
        )
    return namespace


def joined(words: Sequence[str], command: argparse.ArgumentParser) -> list[str]:
    """*words* with ``--a=OPTIONS`` for ``--a OPTIONS``: the value looks like an option."""
    options = [
        option
        for action in command._actions
        if action.type is common.words
        for option in action.option_strings
    ]
    result: list[str] = []
    for word in words:
        if result and result[-1] in options:
            result[-1] += f"={word}"
        else:
            result.append(word)
    return result


def _no_option(
    word: str, command: argparse.ArgumentParser, options: Sequence[str]
) -> UsageError:
    return unknown("option", word.partition("=")[0], options, _listing(command))


def _listing(command: argparse.ArgumentParser) -> str:
    return f"`{command.prog} --help` lists the options."


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The options of a parser and of the parsers below it."""
    for action in parser._actions:
        yield from action.option_strings
        choices: Any = action.choices
        if isinstance(action, argparse._SubParsersAction):
            for parser_below in choices.values():
                yield from _options(parser_below)
