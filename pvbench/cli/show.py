"""Print the table of a result file (default: the last run on this machine)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status, UnavailableError, UsageError
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pyperf import BenchmarkSuite

    from pvbench.document import Document
    from pvbench.keywords import Keywords
    from pvbench.results import journal
    from pvbench.results.entry import Entry

HELP = "print the table of a run"
_ALL = "all"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench show`."""
    parser.add_argument(
        "file", nargs="?", help="result file, or published:NAME (default: the last run)"
    )
    parser.add_argument(
        "--series",
        help="time to show: wall, ack, send, irqoff, deliver, makespan (wall, or the answer of "
        "the suite), the rate of several sources, or a count: icr-writes, hypercalls, exits, "
        "wake-ups, wake-ups-polled, wake-ups-blocked, lost, or all counts: counts",
    )
    common.statistic_option(parser, _ALL)
    parser.add_argument(
        "--plot",
        action="store_true",
        help="draw the times of workload families against their parameter too",
    )
    common.keywords_option(parser, "cases")
    output_options(parser)


def print_refused(path: Path) -> None:
    """Print why the cases of a run without results did not run."""
    from pvbench.report.summary import not_run
    from pvbench.results import journal
    from pvbench.text import printable

    for line in not_run(journal.read(journal.beside(path))):
        print(printable(line), file=sys.stderr)


def execute(options: argparse.Namespace) -> Status:
    """Print one file, and the plots of it."""
    if options.plot and options.format != "plain":
        raise UsageError("--plot draws in plain text", fix="Leave out the other format.")
    status = _print(options)
    if options.plot:
        plot(options.file, options)
    return status


def plot(name: str, options: argparse.Namespace) -> None:
    """
    Draw the workload families of the result file *name*.

    Raises:
        UsageError: no family of it has several members.
        UnavailableError: the library that draws is not installed.
    """
    from importlib.util import find_spec

    from pvbench.keywords import Keywords
    from pvbench.report.plot import plots
    from pvbench.results.files import read
    from pvbench.results.rows import HEADLINE, rows, selected

    chosen = selected(read(name), Keywords.parsed(options.keywords))
    if find_spec("plotext") is None:
        raise UnavailableError(
            "the times cannot be drawn",
            why="plotext is not installed",
            fix="`pip install plotext` brings it.",
        )
    series = vars(options).get("series") or HEADLINE
    drawn = list(plots([r for r in rows(chosen) if r.fact("series") == series], common.width()))
    if not drawn:
        raise UsageError(
            "there is nothing to plot",
            why=f"{name} has no workload family with several members",
        )
    print("\n" + "\n\n".join(drawn))


def _print(options: argparse.Namespace) -> Status:
    """Print the tables of one file."""
    from pvbench.keywords import Keywords
    from pvbench.report import counts as report_counts
    from pvbench.report import statistics
    from pvbench.report.summary import summary
    from pvbench.results import counts
    from pvbench.results.files import latest, read
    from pvbench.results.rows import HEADLINE
    from pvbench.results.statistic import MEDIAN

    if options.file is None:
        newest = latest(1)
        if not newest:
            raise UsageError("there is no run of this machine here", fix="Run a suite first.")
        options.file = str(newest[0])
    series = options.series or HEADLINE
    common.known_series(series, *counts.SERIES, report_counts.ALL)
    keywords = Keywords.parsed(options.keywords)
    suite = _selected(options.file, read(options.file), keywords)
    if series in (*counts.SERIES, report_counts.ALL):
        entries = _entries(options.file, keywords)
        common.show(report_counts.document(suite, entries, series), options)
        return Status.OK
    _check_series(options.file, suite, series)
    if options.statistic == _ALL:
        common.show(statistics.document(suite, series), options)
        return Status.OK
    entries = _entries(options.file, keywords)
    if options.series is None and options.statistic == MEDIAN:
        common.show(_answer(suite, entries), options)
    else:
        chosen = {"series": series, "statistic": options.statistic}
        common.show(summary(suite, entries, **chosen), options)
    return Status.OK


def _answer(suite: BenchmarkSuite, entries: journal.Entries) -> Document:
    """What a run prints: its times, or the matrix that its suite asks for."""
    from pvbench.report import losses
    from pvbench.report.summary import summary

    return (
        losses.document(suite, entries) if losses.is_answer(suite) else summary(suite, entries)
    )


def _selected(name: str, suite: BenchmarkSuite, keywords: Keywords) -> BenchmarkSuite:
    """The series of *suite*, called *name*, that match the keywords."""
    matching = [one for one in suite if keywords.matches(one.get_name())]
    if not matching:
        raise UsageError(f"-k matches none of the {len(suite)} series of {name}")
    return type(suite)(matching)


def _check_series(name: str, suite: BenchmarkSuite, series: str) -> None:
    """
    Refuse a series that no case of a result file has.

    A table of the headline says which cases lose IPIs, even if none has a time.
    """
    from pvbench.results.rows import HEADLINE, series_of

    present = list(dict.fromkeys(map(series_of, suite)))
    if series not in (HEADLINE, *present):
        raise UsageError(
            f"no case of {name} has series {series}", fix=f"It has {', '.join(present)}."
        )


def print_file(name: str, options: argparse.Namespace) -> None:
    """Print the answer of a result file in the format of *options*."""
    from pvbench.keywords import Keywords
    from pvbench.results.files import read

    common.show(_answer(read(name), _entries(name, Keywords())), options)


def _entries(name: str, keywords: Keywords) -> journal.Entries:
    """The journal of the result file *name*; of its cases those that match the keywords."""
    from pvbench.results import journal
    from pvbench.results.files import locate

    entries = journal.read(journal.beside(locate(name)))
    chosen = (e for e in entries if "case" not in e or keywords.matches(e["case"]))
    return [_matching(entry, keywords) for entry in chosen]


def _matching(entry: Entry, keywords: Keywords) -> Entry:
    """An entry with the cases that match: of a boot with their outcomes, of a plan by name."""
    if "boot" in entry and "cases" in entry:
        cases = entry["cases"].items()
        return entry | {"cases": {n: case for n, case in cases if keywords.matches(n)}}
    if "plan" in entry:
        cases = filter(keywords.matches, entry["plan"].get("cases", ()))
        return entry | {"plan": entry["plan"] | {"cases": list(cases)}}
    return entry
