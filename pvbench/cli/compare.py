"""
Compare result files, or the sides of an axis inside them.

Without files: the last two runs on this machine.  The first file is the baseline.
"Speed ratio" is time before over time after; "time reduction" is the part of the
time that is saved: a speed ratio of 2.5 is a time reduction of 60 %.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status, UsageError

if TYPE_CHECKING:
    from pvbench.compare import Pair
    from pvbench.report.facts import Row

HELP = "compare runs, or the senders of one run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench compare`."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="or published:NAME")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--by",
        choices=("sender", "driver", "profile", "guest", "targets", "shorthands"),
        help="compare the sides of this axis instead of the files",
    )
    kind.add_argument(
        "--beside",
        action="store_true",
        help="print a prediction (second file) beside what it predicts; no ranking",
    )
    parser.add_argument("--baseline", metavar="SIDE", help="side of --by to compare with")
    parser.add_argument("--series", default="wall", help="which time, or all (wall)")
    common.output_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Read, match, print."""
    from pvbench import compare
    from pvbench.report import comparison

    common.known_series(options.series, "all")
    if options.baseline and not options.by:
        raise UsageError("--baseline names a side of --by", fix="Give --by sender, say.")
    files = _read(options)
    alone: list[str] = []
    if options.beside:
        if len(files) != 2:
            raise UsageError("--beside takes two files", fix="First the measured one.")
        pairs, status = compare.beside(*files.values()), Status.OK
    elif options.by:
        together = [row for rows in files.values() for row in rows]
        pairs = compare.by_axis(together, options.by, options.baseline)
        status = Status.OK if pairs else Status.NOTHING_MEASURED
    else:
        pairs, alone = compare.across_files(files)
        status = compare.status(pairs)
    if options.json:
        common.print_json(comparison.as_json(pairs, alone))
        return status
    _explain(files, pairs, options)
    if options.beside:
        print(comparison.residuals(pairs, options.format))
    else:
        print(comparison.comparison(pairs, options.format, by=options.by))
    if alone:
        print(f"pvbench: {len(alone)} series have no partner: {alone[0]}", file=sys.stderr)
    return status


def _read(options: argparse.Namespace) -> dict[str, list[Row]]:
    from pvbench.report.facts import rows
    from pvbench.results import differing, latest, read

    needed = 1 if options.by else 2
    names = options.files or [str(path) for path in latest(needed)]
    if len(names) < needed:
        raise UsageError(
            f"comparing takes {needed} result files, there are {len(names)}",
            fix="Name them, or give --by sender.",
        )
    if len({Path(name).resolve() for name in names}) != len(names):
        raise UsageError("a file is named twice", fix="Comparing it with itself says nothing.")
    suites = {name: read(name) for name in names}
    if not options.json and options.format == "plain":
        for fact, values in differing(suites.values()).items():
            print(f"differs: {fact}: {' | '.join(values)}")
    return {
        name: [r for r in rows(suite) if options.series in ("all", r.fact("series"))]
        for name, suite in suites.items()
    }


def _explain(
    files: dict[str, list[Row]], pairs: list[Pair], options: argparse.Namespace
) -> None:
    """What kind of numbers these are."""
    if options.format != "plain":
        return
    if not options.by:
        first, *others = files
        print(f"baseline: {first}", *(f"compared: {name}" for name in others), sep="\n")
    for name, rows in files.items():
        for fact in ("source", "caveat"):
            told = sorted({str(row.fact(fact)) for row in rows if row.fact(fact)})
            print(*(f"{name}: {text}" for text in told), sep="\n", end="\n" if told else "")
    if options.beside:
        print("Published and modelled times have different clocks: residuals, no ranking.")
    if any(pair.verdict == "inconclusive" for pair in pairs) and not options.beside:
        print("This clock is noisy; only exact clocks are judged, so: inconclusive.")
