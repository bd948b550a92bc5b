"""
Print the results of this machine over time: a line for each case, and where it stepped.

Without files the runs of this machine are read.  A folder stands for the result files in
it.  Files that were read once are in an index in the user's cache.

--gate FILE compares the last run with a baseline that is kept in FILE, and ends with the
exit status of `pvbench compare`.  The first run becomes the baseline; --accept makes the
last one the baseline.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pvbench import notices
from pvbench.cli import common, compare
from pvbench.errors import Status, UsageError
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.compare.steps import Track
    from pvbench.keywords import Keywords
    from pvbench.report.history import History
    from pvbench.results.history import Run
    from pvbench.results.rows import Row

HELP = "print the results of this machine over time"
_SHOWN: Final = 4  # of the last runs
_MOST_SHOWN: Final = 1000
_OFTEN: Final = 25  # files between two lines about the progress


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench history`."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="result file, or folder of result files"
    )
    parser.add_argument(
        "--last",
        type=common.in_range(1, _MOST_SHOWN),
        default=_SHOWN,
        metavar="N",
        help=f"values and runs that are shown ({_SHOWN})",
    )
    parser.add_argument(
        "--html", metavar="FILE", help="write one HTML page with charts over all runs too"
    )
    parser.add_argument(
        "--gate", metavar="FILE", help="compare the last run with the baseline in FILE"
    )
    parser.add_argument(
        "--accept", action="store_true", help="make the last run the baseline of --gate"
    )
    common.keywords_option(parser, "cases")
    compare.verdict_options(parser)
    output_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Read the runs; print their history, or be the gate of the last one."""
    from pvbench.slice_result import SERIES

    paths = _paths(options.files)
    if options.gate:
        from pvbench.cli.gate import check_last

        return check_last(paths, options)
    _check(options)
    if options.series not in SERIES:
        raise UsageError(
            f"a history has times, not {options.series}", fix="Leave out --series."
        )
    history = _history(paths, options)
    _print(history, options)
    return Status.OK


def _check(options: argparse.Namespace) -> None:
    """Refuse options of a gate without one, and names that are no page's."""
    given = {
        "--accept": options.accept,
        "--fail-above": options.fail_above is not None,
        "--only": options.only,
        "--exit": options.exit,
        "--statistic": options.statistic != "median",
    }
    if name := next((name for name, value in given.items() if value), ""):
        raise UsageError(f"{name} needs --gate FILE", fix="Name the file of the baseline.")
    if options.html:
        from pvbench.cli.report import check_page_name

        check_page_name(options.html)


def _paths(names: Sequence[str]) -> list[Path]:
    """
    The result files that *names* mean, or those of this machine.

    Raises:
        UsageError: there are none.
    """
    from pvbench.results.files import all_runs, written

    paths = [path for name in names for path in _paths_of(name)]
    paths = paths if names else written(all_runs())
    if not paths:
        place = ", ".join(names) or "this machine here"
        raise UsageError(f"there is no run of {place}", fix="Run a suite first.")
    return paths


def _paths_of(name: str) -> list[Path]:
    """The file that *name* names, or the result files in a folder."""
    from pvbench.results.files import in_folder, locate, written

    folder = Path(name)
    return written(in_folder(folder)) if folder.is_dir() else [locate(name)]


def _history(paths: Sequence[Path], options: argparse.Namespace) -> History:
    from pvbench.compare.noise import Allowances, AllowancesOfRuns
    from pvbench.compare.reading import noise_lines
    from pvbench.keywords import Keywords
    from pvbench.report.history import History
    from pvbench.results import history_index
    from pvbench.results.files import locate

    named = {locate(name) for name in options.files if not Path(name).is_dir()}

    def unreadable(path: Path, sentence: str) -> None:
        if path in named:
            raise UsageError(sentence)
        common.warn(sentence)

    runs = history_index.runs(paths, unreadable, _progress)
    if not runs:
        raise UsageError("none of the files can be read")
    keywords = Keywords.parsed(options.keywords)
    chosen = [run for run in runs if any(_matches(r, keywords, options) for r in run.rows)]
    if not chosen:
        raise UsageError(
            f"no run has a case of series {options.series} that matches -k",
            fix="`pvbench show FILE` prints the cases of a file.",
        )
    allowances = Allowances(
        lines=noise_lines([run.file for run in runs[-1:]]),
        plans={run.file: run.plan for run in runs},
    )
    of_runs = AllowancesOfRuns(allowances=allowances)
    tracks = _tracks(chosen, keywords, options, of_runs)
    return History(runs=chosen, tracks=tracks, series=options.series, last=options.last)


def _matches(row: Row, keywords: Keywords, options: argparse.Namespace) -> bool:
    return row.fact("series") == options.series and keywords.matches(row.case)


def _tracks(
    runs: Sequence[Run], keywords: Keywords, options: argparse.Namespace, allowances: Any
) -> list[Track]:
    from pvbench.compare.steps import track
    from pvbench.results import schema

    facts = (*schema.axes(), "clock")
    cases: dict[tuple[object, ...], list[Row]] = {}
    for run in runs:
        for row in run.rows:
            if _matches(row, keywords, options):
                key = tuple(map(row.facts.get, facts))
                cases.setdefault(key, []).append(row)
    return [track(rows, allowances.of) for rows in cases.values()]


def _progress(number: int) -> None:
    if number % _OFTEN == 0:
        notices.say(f"{number} new files are read")


def _print(history: History, options: argparse.Namespace) -> None:
    """Print the history, and write its page."""
    from pvbench.report.history import document

    text = document(history)
    if options.html:
        from pvbench.cli.report import write_page
        from pvbench.report.html.history import page

        write_page(page(history, text), options.html)
    common.show(text, options)
    if options.html:
        common.tell_file("page", options.html)
