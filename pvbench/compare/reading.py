"""Reading the files of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from pvbench.compare.comparison import compare
from pvbench.compare.matching import Files
from pvbench.compare.noise import Allowances
from pvbench.compare.outcomes import Outcomes, worse_than_ok
from pvbench.compare.pairs import Pair
from pvbench.compare.question import Question
from pvbench.errors import UsageError
from pvbench.keywords import EVERY_NAME, Keywords
from pvbench.results import journal, noise, tox_envs
from pvbench.results.files import latest, locate, read
from pvbench.results.incomplete import incomplete
from pvbench.results.rows import rows, selected
from pvbench.results.statistic import MEDIAN


@attrs.frozen
class FileChoice:
    """The names of the chosen result files, and sentences about stale ones."""

    names: tuple[str, ...]
    stale: tuple[str, ...] = ()


def choose(names: Sequence[str], environments: Sequence[str], question: Question) -> FileChoice:
    """
    Choose the named files, the newest files of tox environments, or the last runs.

    Raises:
        UsageError: there are too few files, or one is named twice.
    """
    if names and environments:
        raise UsageError(
            "--env and names of files exclude each other", fix="Leave out one of them."
        )
    if environments:
        choice = _of_environments(environments)
    else:
        recent = [] if names else latest(question.files_needed)
        choice = FileChoice((*names, *map(str, recent)))
    _check_names(choice.names, question.files_needed)
    return choice


def _of_environments(environments: Sequence[str]) -> FileChoice:
    results = tox_envs.newest(tuple(dict.fromkeys(environments)))
    stale = [
        f"{name} is stale: {result.stale}; run tox -e {name} again"
        for name, result in results.items()
        if result.stale
    ]
    return FileChoice(tuple(str(result.path) for result in results.values()), tuple(stale))


def _check_names(names: Sequence[str], needed: int) -> None:
    if len(names) < needed:
        raise UsageError(
            f"a comparison takes {needed} result files, but there are {len(names)}",
            fix="Name the files, or give --by sender.",
        )
    if len({locate(name).resolve() for name in names}) != len(names):
        raise UsageError("a file is named twice", fix="Name each file once.")


def read_rows(
    names: Sequence[str], statistic: str = MEDIAN, keywords: Keywords = EVERY_NAME
) -> Files:
    """
    Read the rows of each file whose cases match *keywords*.

    Raises:
        UsageError: a file cannot be read or lacks *statistic*, or no case matches.
    """
    files = {name: rows(selected(read(name), keywords), name, statistic) for name in names}
    if not any(files.values()):
        raise UsageError(
            f"-k matches no case of {', '.join(names)}",
            fix="`pvbench show FILE --json` lists their names.",
        )
    return files


def noisy_pairs(paths: Sequence[Path], question: Question, statistic: str) -> tuple[Pair, ...]:
    """
    The noisy pairs of result files that belong together; none if a file does not exist.

    Raises:
        UsageError: a file cannot be read or lacks *statistic*.
    """
    if not all(map(Path.exists, paths)):
        return ()
    return compare(read_rows([str(path) for path in paths], statistic), question).noisy


def read_allowances(names: Sequence[str]) -> Allowances:
    """
    Read the measurements of `pvbench noise` beside the first file and on this machine.

    Raises:
        UsageError: a journal or a file of `pvbench noise` cannot be read.
    """
    books = {name: journal.read(journal.beside(locate(name))) for name in names}
    plans = {name: journal.plan_of(book) for name, book in books.items()}
    return Allowances(lines=noise_lines(names[:1]), plans=plans)


def noise_lines(names: Sequence[str]) -> tuple[noise.Line, ...]:
    """
    The measurements of `pvbench noise` beside result files and on this machine.

    Raises:
        UsageError: one cannot be read.
    """
    paths = {noise.beside(locate(name)).resolve() for name in names}
    paths.add(noise.path_here().resolve())
    return tuple(line for path in sorted(paths) for line in noise.read(path))


def incomplete_files(names: Sequence[str]) -> Iterator[str]:
    """
    A sentence for each file whose run ended early.

    Raises:
        UsageError: a journal cannot be read.
    """
    for name in names:
        if sentence := incomplete(journal.read(journal.beside(locate(name)))):
            yield f"{name}: {sentence}"


def read_outcomes(
    names: Sequence[str], keywords: Keywords = EVERY_NAME
) -> Mapping[str, Outcomes]:
    """
    Read from the journal of each file which cases have no result, or not in every boot.

    Raises:
        UsageError: a journal cannot be read.
    """
    return {name: _outcomes(name, keywords) for name in names}


def _outcomes(name: str, keywords: Keywords) -> Outcomes:
    outcomes = worse_than_ok(journal.read(journal.beside(locate(name))))
    return {case: outcome for case, outcome in outcomes.items() if keywords.matches(case)}
