"""
Compare result files, or the sides of an axis inside them.

Without files: the last two runs on this machine.  The first file is the baseline.
"Speed ratio" is time before over time after; "time reduction" is the part of the
time that is saved: a speed ratio of 2.5 is a time reduction of 60 %.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status, UsageError, worst

if TYPE_CHECKING:
    from pvbench.compare.pairs import Pair
    from pvbench.results.rows import Row

_NO_MATCH = "no series match; --by AXIS pairs those that differ in one thing, see -h"
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
    parser.add_argument("files", nargs="*", metavar="FILE", help="or published:NAME")
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
        help="compare the sides of this axis instead of the files: %(choices)s",
    )
    kind.add_argument(
        "--beside",
        action="store_true",
        help="print a prediction (second file) beside what it predicts; no ranking",
    )
    parser.add_argument("--baseline", metavar="SIDE", help="side of --by to compare with")
    parser.add_argument(
        "--margin",
        type=float,
        default=2,
        metavar="PERCENT",
        help="on a noisy clock, speed ratios this close to 1 are equivalent (2)",
    )
    parser.add_argument("--series", default="wall", help="which time, or all (wall)")
    common.output_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Read, match, print."""
    from pvbench.compare import crossover
    from pvbench.report import comparison

    common.known_series(options.series, "all")
    if not 0 <= options.margin < 100:
        raise UsageError(f"--margin {options.margin:g} is not in 0..100 percent")
    if options.baseline and not options.by:
        raise UsageError("--baseline names a side of --by", fix="Give --by sender, say.")
    stale = _take_environments(options) if options.env else False
    files, differs = _read(options)
    pairs, alone, status = _pairs(files, options)
    if stale:
        status = worst([status, Status.INCONCLUSIVE])
    if options.json:
        found = [] if options.beside else crossover.crossovers(pairs)
        common.print_json({"differs": differs} | comparison.as_json(pairs, alone, found))
        return status
    _explain(files, differs, pairs, options)
    _print(pairs, options)
    if alone:
        print(f"pvbench: in one file only: {_first(alone)}", file=sys.stderr)
    return status


def _pairs(
    files: dict[str, list[Row]], options: argparse.Namespace
) -> tuple[list[Pair], list[str], Status]:
    """What is compared, what stands alone, and how it ends."""
    from pvbench.compare import pairs as case_pairs
    from pvbench.compare import status

    if options.beside:
        if len(files) != 2:
            raise UsageError("--beside takes two files", fix="First the measured one.")
        pairs = _beside(*files.values())
        return pairs, [], Status.OK if pairs else Status.NOTHING_MEASURED
    if not options.by:
        pairs, alone = case_pairs.across_files(files)
        pairs = case_pairs.judged(pairs, options.margin / 100)
        return pairs, alone, status.status(pairs)
    once, twice = _sorted_out([row for rows in files.values() for row in rows])
    pairs = case_pairs.by_axis(once, options.by, options.baseline)
    if twice and not pairs:
        raise UsageError(
            "the files hold the same cases, so --by has two of each",
            fix="Give it one of them, or leave --by out to compare the files.",
        )
    if twice:
        print(f"pvbench: in two files, so left out: {_first(twice)}", file=sys.stderr)
    pairs = case_pairs.judged(pairs, options.margin / 100)
    return pairs, [], Status.OK if pairs else Status.NOTHING_MEASURED


def _beside(reference: list[Row], predicted: list[Row]) -> list[Pair]:
    from pvbench.compare import pairs as case_pairs

    pairs = case_pairs.beside(reference, predicted)
    if pairs and pairs[0].baseline == pairs[0].side:
        raise UsageError(
            f"--beside takes times of two kinds, and both files have {pairs[0].side} ones",
            fix="Leave it out to compare them.",
        )
    return pairs


def _sorted_out(together: list[Row]) -> tuple[list[Row], list[str]]:
    """Rows that are there once, and the names of those that are not."""
    from pvbench.results import schema

    keys = [(row.key(), schema.side("costs", row.facts)) for row in together]
    times = Counter(keys)
    once = [row for row, key in zip(together, keys, strict=True) if times[key] == 1]
    twice = [row.name for row, key in zip(together, keys, strict=True) if times[key] > 1]
    return once, list(dict.fromkeys(twice))


def _first(names: list[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _print(pairs: list[Pair], options: argparse.Namespace) -> None:
    from pvbench.compare import crossover
    from pvbench.report import comparison

    if not pairs:
        what = f"no two series differ in {options.by} only" if options.by else _NO_MATCH
        print(f"pvbench: {what}", file=sys.stderr)
        return
    if options.beside:
        print(comparison.residuals(pairs, options.format))
        return
    print(comparison.comparison(pairs, options.format, by=options.by))
    if options.format == "plain" and (found := crossover.crossovers(pairs)):
        print("", *comparison.crossings(found), sep="\n")


def _take_environments(options: argparse.Namespace) -> bool:
    """Put the files of the environments in; are some of them stale?"""
    from pvbench.results.tox_envs import newest

    if options.files:
        raise UsageError("--env takes the place of files", fix="Leave one of them out.")
    found = newest(tuple(dict.fromkeys(options.env)))
    options.files = [str(one.path) for one in found.values()]
    for name, one in found.items():
        if one.stale:
            told = f"{name} is stale: {one.stale}; run tox -e {name} again"
            print(f"pvbench: {told}", file=sys.stderr)
    return any(one.stale for one in found.values())


def _read(
    options: argparse.Namespace,
) -> tuple[dict[str, list[Row]], dict[str, list[str]]]:
    """The rows of each file, and what differs: what made them, then what they are of."""
    from pvbench.compare import differences
    from pvbench.results.files import latest, read
    from pvbench.results.rows import rows

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
    whole = {name: rows(suite, name) for name, suite in suites.items()}
    files = {
        name: [row for row in found if options.series in ("all", row.fact("series"))]
        for name, found in whole.items()
    }
    differs = list(differences.of_origin(whole.values()))
    if not options.beside:
        differs += differences.of_cases(files.values())
    return files, {one.fact: list(one.values) for one in differs}


def _short(value: str) -> str:
    """A hash by its first digits, as in the names of cost profiles."""
    return re.sub(r"\b[0-9a-f]{64}\b", lambda digits: digits[0][:8], value)


def _explain(
    files: dict[str, list[Row]],
    differs: dict[str, list[str]],
    pairs: list[Pair],
    options: argparse.Namespace,
) -> None:
    """What kind of numbers these are; not between the rows of a CSV."""
    plain = options.format == "plain"
    for fact, values in differs.items():
        told = f"differs: {fact}: {' | '.join(map(_short, values))}"
        print(told, file=sys.stdout if plain else sys.stderr)
    if not plain:
        return
    if not options.by:
        first, *others = files
        print(f"baseline: {first}", *(f"compared: {name}" for name in others), sep="\n")
    origins: dict[str, list[str]] = {}
    for name, rows in files.items():
        for fact in ("source", "caveat"):
            for text in sorted({str(row.fact(fact)) for row in rows if row.fact(fact)}):
                origins.setdefault(text, []).append(name)
    for text, names in origins.items():
        print(f"{', '.join(names)}: {text}")
    if options.beside and pairs:
        kinds = f"{pairs[0].baseline.capitalize()} and {pairs[0].side}"
        print(f"{kinds} times: residuals, no ranking.")
    if not options.beside and any(pair.is_noisy for pair in pairs):
        from pvbench.report import comparison

        print(*comparison.how_judged(pairs, options.margin), sep="\n")
