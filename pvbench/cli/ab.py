"""
Compare two runs, the sides a and b, by pairs of adjacent boots.

--a and --b give the options in which the sides differ.  Instead, --site, --costs, --python
and --env may be given twice, the first time for side a.  A coin decides which side of a pair
boots first; --seed is its seed.

-o FILE.json creates FILE-a.json and FILE-b.json.  The comparison and the exit status are
those of `pvbench compare FILE-a.json FILE-b.json`.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pvbench.cli import ab_options, common, compare, endings, run, run_options
from pvbench.errors import PvbenchError, Status, worst
from pvbench.text import printable

if TYPE_CHECKING:
    from pvbench.compare.question import Question
    from pvbench.results.journal import Entries
    from pvbench.run.ab import Ended
    from pvbench.run.side import Side

HELP = "compare two runs by pairs of adjacent boots"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench ab`: those of a run, of the two sides, and of verdicts."""
    effort = run_options.measuring_options(parser, two_sides=True)
    run_options.until_options(effort)
    run_options.dry_run_option(effort)
    compare.verdict_options(parser)
    ab_options.side_options(parser)


def execute(options: argparse.Namespace) -> int:
    """Run both sides alternately, and print their comparison."""
    from pvbench.cli.ab_sides import journals_of, print_ends, remove_unmeasured, sides_of
    from pvbench.run.ab import Session

    asked, most = compare.question(options), run.max_boots(options)
    sides, seed = sides_of(options)
    if options.dry_run:
        return worst(_dry_run(side) for side in sides)
    paths = [side.path for side in sides]
    looks = _looks(options, asked, paths, most) if most else None
    try:
        before = journals_of(paths)
        ended = Session(sides=sides, seed=seed, quiet=options.quiet, looks=looks).take()
        journals = journals_of(paths)
    finally:
        remove_unmeasured(paths)
    status = Status.NOTHING_MEASURED
    is_refused = ended.failed and _boots(journals) == _boots(before)
    is_compared = all(map(Path.exists, paths)) and not is_refused
    if is_compared:
        status = _compared(paths, asked, options)
    print_ends(sides, journals, is_compared=is_compared)
    return _exit_status(ended, status)


def _boots(journals: Sequence[Entries]) -> int:
    """The number of entries about boots; a boot that is repeated has another one."""
    return sum("boot" in entry for entries in journals for entry in entries)


def _looks(
    options: argparse.Namespace, asked: Question, paths: Sequence[Path], most: int
) -> Callable[[int], bool]:
    """The function that ends the session after enough boots, of which there are *most*."""
    from pvbench.compare.settled import Looks

    looks = Looks(paths=paths, question=asked, max_boots=most, statistic=options.statistic)
    return looks.settled_after


def _dry_run(side: Side) -> Status:
    """Print the plan of a side, which is told that it is one but does not use the pipes."""
    print(printable(f"side {side.name}:"), flush=True)
    done = subprocess.run(side.command("--dry-run", "--ab-pipes=0,1,2"), check=False)
    return Status(done.returncode) if done.returncode in tuple(Status) else Status.ENVIRONMENT


def _compared(paths: list[Path], asked: Question, options: argparse.Namespace) -> Status:
    """Print the comparison, or the reason why the results of the sides cannot be compared."""
    from pvbench.compare.reading import FileChoice

    try:
        return compare.print_comparison(FileChoice(tuple(map(str, paths))), asked, options)
    except PvbenchError as error:
        common.warn(str(error))
        return error.status


def _exit_status(ended: Ended, status: Status) -> int:
    if ended.signal:
        return endings.ended_early(ended.signal)
    return worst([ended.status, status])
