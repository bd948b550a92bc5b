"""
Measure a suite against itself, to learn how far equal runs differ.

First `pvbench ab` with equal sides shows how many verdicts are false, and the smallest
difference that ten pairs of boots detect.

Then each of the --sessions makes two whole runs, one after the other, and stores how far
they differ.  From that `pvbench compare` knows which difference is large enough for a
verdict between files that were not interleaved, if they are of this host and of the same
effort.  A later `pvbench noise` adds sessions.  A session that a signal or an error ends is
not stored.

`show` and `compare` never take these runs for the last runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pvbench import notices
from pvbench.cli import ab_options, common, endings, run_options
from pvbench.errors import PvbenchError, Status, UsageError, worst

if TYPE_CHECKING:
    from pvbench.compare.noise import SeriesNoise
    from pvbench.compare.pairs import Pair
    from pvbench.results.noise import Conditions
    from pvbench.run.side import Side

HELP = "measure a suite against itself"
_FOLDER: Final = "noise"  # of the runs, which are no candidates for the last run
_OF_SIGNAL: Final = 128


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench noise`: those of a run, and the sessions."""
    run_options.measuring_options(parser, two_sides=True)
    parser.set_defaults(dry_run=False)
    ab_options.noise_options(parser)


def execute(options: argparse.Namespace) -> int:
    """Measure pairs of boots, then pairs of runs; store and print how far they differ."""
    from pvbench.cli.ab_sides import journals_of, print_ends, remove_unmeasured, sides_of
    from pvbench.report import noise as report
    from pvbench.results.rows import HEADLINE
    from pvbench.results.statistic import MEDIAN
    from pvbench.run.ab import Session

    if options.sessions < 0:
        raise UsageError(f"--sessions {options.sessions} is negative", fix="Give 0 or more.")
    sides, seed = sides_of(options, _FOLDER)
    paths = [side.path for side in sides]
    try:
        ended = Session(sides=sides, seed=seed, quiet=options.quiet, for_noise=True).take()
        journals = journals_of(paths)
    finally:
        remove_unmeasured(paths)
    print_ends(sides, journals)
    if ended.signal:
        return endings.ended_early(ended.signal)
    if ended.failed:
        return ended.status
    pairs = _noisy_pairs(paths, HEADLINE, MEDIAN)
    if not pairs:
        common.warn("nothing was measured, so the noise is not known")
        return worst([ended.status, Status.NOTHING_MEASURED])
    series = _of_boots(pairs, paths[0])
    status = _runs(sides[0], options)
    series = _with_allowances(series, pairs, paths[0])
    common.show(report.document(series), options)
    return status if status >= _OF_SIGNAL else worst([ended.status, Status(status)])


def _runs(side: Side, options: argparse.Namespace) -> int:
    """
    Measure pairs of whole runs, and return the exit status.

    A signal or an error ends it; the sessions before are stored.
    """
    from pvbench.run.signals import Stop

    stop = Stop()
    try:
        with stop.on_signals():
            stop.unless_signalled(partial(_measure_runs, side, options))
    except PvbenchError as error:
        common.warn(f"the sessions end early: {error}")
        return error.status
    return endings.ended_early(stop.signal) if stop.signal else Status.OK


def _of_boots(pairs: Sequence[Pair], path: Path) -> list[SeriesNoise]:
    """The noise of each series by the pairs of boots; it is stored."""
    from pvbench.compare.noise import series_noise
    from pvbench.results.noise import key
    from pvbench.results.statistic import MEDIAN

    series = series_noise(pairs)
    spreads = {key(one.name, MEDIAN): one.spread for one in series if one.spread is not None}
    _store("boots", pairs[0], path, spreads)
    return series


def _noisy_pairs(paths: Sequence[Path], series: str, statistic: str) -> tuple[Pair, ...]:
    """The pairs of two files of equal sides."""
    from pvbench.compare.question import Question
    from pvbench.compare.reading import noisy_pairs

    return noisy_pairs(paths, Question(series=series), statistic)


def _conditions(pair: Pair, path: Path) -> Conditions:
    """The conditions of *pair*, whose first side has its results at *path*."""
    from pvbench.results import journal, noise

    plan = journal.plan_of(journal.read(journal.beside(path)))
    boots = min(len(row.boots_s) for row in (pair.before, pair.after))
    return noise.conditions_of(pair.before.facts, plan, boots)


def _store(kind: str, pair: Pair, path: Path, values: Mapping[str, float]) -> None:
    """Store the values of a session; *pair* is one of its pairs."""
    import attrs

    from pvbench.results import noise

    conditions = attrs.asdict(_conditions(pair, path))
    noise.append(noise.Line(kind=kind, values=values, **conditions))


def _measure_runs(side: Side, options: argparse.Namespace) -> None:
    """Make pairs of whole runs, spread over the time that --over asks for."""
    begin = time.monotonic()
    for session in range(options.sessions):
        due = begin + options.over * session / options.sessions
        time.sleep(max(due - time.monotonic(), 0))
        if not options.quiet:
            notices.say(f"session {session + 1} of {options.sessions}: two whole runs")
        with tempfile.TemporaryDirectory() as folder:
            _session(side, Path(folder))


def _session(side: Side, folder: Path) -> None:
    """Make two whole runs, and store by how much they differ."""
    from pvbench.compare.question import ALL_SERIES
    from pvbench.results.noise import key
    from pvbench.run.whole_runs import run_whole

    paths = [folder / "first.json", folder / "second.json"]
    for path in paths:
        run_whole(side, path)
    pairs = [
        pair for name in common.STATISTICS for pair in _noisy_pairs(paths, ALL_SERIES, name)
    ]
    if pairs:
        ratios = {key(p.before.name, p.before.statistic): _log_ratio(p) for p in pairs}
        _store("runs", pairs[0], paths[0], ratios)


def _log_ratio(pair: Pair) -> float:
    from pvbench.compare.allowance import log_ratio

    return log_ratio(pair.before.boots_s, pair.after.boots_s)


def _with_allowances(
    series: Sequence[SeriesNoise], pairs: Sequence[Pair], path: Path
) -> list[SeriesNoise]:
    """*series*, each with the allowance that the sessions like this one have measured."""
    import attrs

    from pvbench.compare.noise import of_sessions
    from pvbench.results import noise

    conditions = _conditions(pairs[0], path)
    sessions = noise.matching(noise.read(noise.path_here()), "runs", conditions)
    return [
        attrs.evolve(one, allowance=of_sessions(sessions, pair.before))
        for one, pair in zip(series, pairs, strict=True)
    ]
