"""Parsers of command lines: help that fits the terminal, and refusals in one sentence."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from pvbench.cli import common
from pvbench.cli.options import actions, by_name, by_name_with_below
from pvbench.errors import UsageError, unknown
from pvbench.text import breakable, unbroken

# The refusals of argparse, and the same in the words of pvbench.
_REFUSALS: Final = (
    (r"argument ([^:]+): invalid \w+ value: (.*)", "{} takes a number, not {}"),
    (r"argument ([^:]+): expected (?:at least )?one argument", "{} needs a value"),
    (r"argument ([^:]+): ignored explicit argument (.*)", "{} takes no value, but {} is given"),
    (r"argument ([^:]+): not allowed with argument (.*)", "{} and {} exclude each other"),
    (
        r"argument ([^:]+): invalid choice: (.*) \(choose from ([^,]*)\)",
        "{} is {}, and it can only be {}",
    ),
    (r"argument ([^:]+): invalid choice: (.*) \(choose from (.*)\)", "{} is {}, not one of {}"),
    (r"argument ([^:]+): (.*)", "{}: {}"),
    (r"the following arguments are required: (.*)", "no {} is given"),
    (r"(.*)", "{}"),
)

_NEGATIVE: Final = re.compile(r"-\.?[0-9]")


class Formatter(argparse.HelpFormatter):
    """
    Help and usage as wide as the terminal, 72 columns in a pipe.

    Lines of a paragraph are joined and wrapped; indented lines keep their ends.
    argparse has no public methods for this, so it overrides those of its own formatters.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=common.width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            breakable(
                textwrap.fill(
                    unbroken(line),
                    width,
                    initial_indent=indent,
                    subsequent_indent=_hanging(line),
                )
            )
            for line in re.sub(r"(?<=\S)\n(?=\S)", " ", text.strip()).splitlines()
        )

    def _split_lines(self, text: str, width: int) -> list[str]:
        return [breakable(line) for line in super()._split_lines(unbroken(text), width)]

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        text = super()._format_args(action, default_metavar)
        optional = action.nargs == argparse.PARSER and not action.required
        return f"[{text}]" if optional else text


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations, which refuses a command line in one sentence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=Formatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise the UsageError for a message of argparse."""
        matches = ((re.fullmatch(form, message, re.DOTALL), words) for form, words in _REFUSALS)
        match, words = next(pair for pair in matches if pair[0])
        assert match is not None  # noqa: S101 - the last form matches everything
        raise UsageError(words.format(*match.groups()), fix=_listing(self))


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
        UsageError: *command* does not accept the words.
        SystemExit: after help or the version.
    """
    own = by_name(parser)
    if command is parser and words[0] not in own:
        raise _no_option(words[0], parser, [name for name in own if name.startswith("--")])
    return parse_options(parser, command, words)


def parse_options(
    parser: argparse.ArgumentParser, command: argparse.ArgumentParser, words: Sequence[str]
) -> argparse.Namespace:
    """
    Parse the *words* of *command* with *parser*, which may be *command* itself.

    Raises:
        UsageError: *command* does not accept the words.
        SystemExit: after help or the version.
    """
    options = list(by_name_with_below(command))
    words = joined(words, command)
    for word in words:
        if word == "--":
            break
        if word.startswith("--") and word.partition("=")[0] not in options:
            raise _no_option(word, command, options)
        if option := _option_of_dashes(word):
            raise UsageError(f"{option} cannot have the value '--'", fix=_listing(command))
    namespace, unparsed = parser.parse_known_args(words)
    if unparsed:
        if unparsed[0].startswith("-") and unparsed[0] != "--":
            raise _no_option(unparsed[0], command, ())  # one letter is near to any other
        raise UsageError(
            f"{command.prog} takes no argument {unparsed[-1]!r}", fix=_listing(command)
        )
    return namespace


def joined(words: Sequence[str], command: argparse.ArgumentParser) -> list[str]:
    """
    *words* with ``--a=OPTIONS`` for ``--a OPTIONS``: the value looks like an option.

    So does a negative percentage.
    """
    options = {
        option: action.type is common.words
        for action in actions(command)
        if action.nargs is None
        for option in action.option_strings
        if option.startswith("--")
    }
    result: list[str] = []
    for word in words:
        before = result[-1] if result else ""
        if before in options and (options[before] or _NEGATIVE.match(word)):
            result[-1] += f"={word}"
        else:
            result.append(word)
    return result


def _option_of_dashes(word: str) -> str:
    """The option of ``--site=--`` or ``-o--``, of whose value argparse makes a list; or ''."""
    match = re.fullmatch(r"(--[^=]+)=--|(-[^-])--", word)
    return match[1] or match[2] if match else ""


def _no_option(
    word: str, command: argparse.ArgumentParser, options: Sequence[str]
) -> UsageError:
    return unknown("option", word.partition("=")[0], options, _listing(command))


def _listing(command: argparse.ArgumentParser) -> str:
    return f"`{command.prog} --help` lists the options."
