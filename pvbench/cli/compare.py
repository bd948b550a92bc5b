"""
Compare result files, or the values of one axis inside them (--by).

The first file is the baseline.  Without files, the last two runs on this machine are
compared.

The "speed ratio" is the time before divided by the time after.  The "change of time" is
the time that is saved or added: a speed ratio of 2.5 is 60 % less time.  CSV has the part
of the time that is saved as "time reduction".
"""

from __future__ import annotations

import argparse
from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pvbench.cli import common, exits
from pvbench.errors import Status, UsageError
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.compare.comparison import Comparison
    from pvbench.compare.margin import Margin
    from pvbench.compare.question import Question
    from pvbench.compare.reading import FileChoice

HELP = "compare runs, or the senders of one run"


class Axes(Iterable[str], Container[str]):
    """The choices of --by, looked up only when they are asked for."""

    def __iter__(self) -> Iterator[str]:
        from pvbench.results import schema

        return iter(schema.choices())

    def __contains__(self, name: object) -> bool:
        return name in tuple(self)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench compare`."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="result file, or published:NAME"
    )
    parser.add_argument(
        "--env",
        type=common.names,
        metavar="NAME,...",
        help="the newest results of these tox environments instead of files",
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--by",
        choices=Axes(),
        metavar="AXIS",
        help="compare the values of this axis instead of the files: %(choices)s",
    )
    kind.add_argument(
        "--beside",
        action="store_true",
        help="show the second file as a prediction of the first, with residuals and no ranking",
    )
    parser.add_argument(
        "--baseline", metavar="SIDE", help="value of --by to compare the others with"
    )
    common.keywords_option(parser, "cases")
    verdict_options(parser)
    output_options(parser)


def verdict_options(parser: argparse.ArgumentParser) -> None:
    """Options that choose the times to compare and the rules of their verdicts."""
    parser.add_argument(
        "--margin",
        type=margin,
        action="append",
        default=[],
        metavar="[EXPRESSION=]PERCENT",
        help="on a noisy clock, speed ratios this close to 1 are equivalent (2 %%); with an "
        "expression like that of -k, only for the cases that match; may be repeated",
    )
    parser.add_argument(
        "--fail-above",
        type=common.percent,
        metavar="PERCENT",
        help="only a larger slowdown than this is a regression",
    )
    parser.add_argument(
        "--only",
        choices=("changed",),
        help="show only pairs that became faster or slower, or whose counts differ",
    )
    parser.add_argument(
        "--series",
        default="wall",
        help="series to compare: a time, the rate, a count such as exits, wake-ups or lost, or "
        "all of the times: all (wall)",
    )
    common.statistic_option(parser)
    exits.option(parser)


def margin(text: str) -> Margin:
    """
    A margin from ``5%`` or ``*1024w*=5%``.

    Raises:
        UsageError: the expression before the equals sign is blank or malformed, or the
            margin is not from 0 to 100 %.
    """
    from pvbench.compare.margin import Margin

    expression, equals, percent = text.rpartition("=")
    if equals and not expression.strip():
        raise UsageError(
            f"--margin {text!r} has no expression before the equals sign",
            fix="Give one, or leave out the equals sign.",
        )
    return Margin(common.percent(percent), expression.strip())


def execute(options: argparse.Namespace) -> Status:
    """Read, compare, print."""
    from pvbench.compare import reading

    asked = question(options, by=options.by, beside=options.beside, baseline=options.baseline)
    return print_comparison(
        reading.choose(options.files, options.env or (), asked), asked, options
    )


def question(options: argparse.Namespace, **sides: Any) -> Question:
    """
    The question that the verdict options and *sides* ask.

    Raises:
        UsageError: they contradict each other.
    """
    from pvbench.compare import question as question_of
    from pvbench.compare.margin import Margins
    from pvbench.results import counts

    common.known_series(options.series, *counts.SERIES, question_of.ALL_SERIES)
    return question_of.Question(
        **sides,
        margins=Margins(tuple(options.margin)),
        fail_above_percent=options.fail_above,
        series=options.series,
        only_changed=options.only == "changed",
        missing_is_inconclusive=options.exit == exits.BISECT,
    )


def print_comparison(
    chosen: FileChoice, asked: Question, options: argparse.Namespace
) -> Status:
    """
    Compare files and print the comparison.

    Raises:
        UsageError: a file cannot be read, or the files do not allow the question.
    """
    from pvbench.compare import comparison, reading
    from pvbench.keywords import Keywords

    keywords = Keywords.parsed(options.keywords)
    files = reading.read_rows(chosen.names, options.statistic, keywords)
    outcomes = reading.read_outcomes(chosen.names, keywords)
    allowances = reading.read_allowances(chosen.names)
    result = comparison.compare(files, asked, chosen.stale, outcomes, allowances.of)
    for sentence in (
        *reading.incomplete_files(chosen.names),
        *_unused_margins(result, options),
    ):
        common.warn(sentence)
    _print(result, options)
    return result.status


def _unused_margins(result: Comparison, options: argparse.Namespace) -> Iterator[str]:
    """A sentence for each --margin that names no case; those of a pyproject.toml may."""
    if any(word.startswith("--margin") for word in options.typed):
        for one in result.question.margins.unused(pair.after.case for pair in result.pairs):
            yield f"--margin {one.expression!r} matches no case that is compared"


def _print(result: Comparison, options: argparse.Namespace) -> None:
    """Print the comparison, and on standard error the warnings about it."""
    from pvbench.report import comparison

    for sentence in comparison.warnings(result):
        common.warn(sentence)
    if options.format == "csv":
        for line in (*comparison.difference_lines(result), *comparison.hidden(result)):
            common.warn(line)
    if result.shown or result.unpaired or options.format != "csv":
        common.show(comparison.document(result), options)
