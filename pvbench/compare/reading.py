"""Reading the files of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from pvbench.compare.comparison import Question
from pvbench.compare.matching import Files
from pvbench.compare.outcomes import Outcomes, without_result
from pvbench.errors import UsageError
from pvbench.results import journal, tox_envs
from pvbench.results.files import latest, locate, read
from pvbench.results.rows import rows


@attrs.frozen
class Chosen:
    """Names of result files, and sentences about those that are out of date."""

    names: tuple[str, ...]
    stale: tuple[str, ...] = ()


def choose(names: Sequence[str], environments: Sequence[str], question: Question) -> Chosen:
    """
    The named files, the newest ones of tox environments, or the last runs.

    Raises:
        UsageError: there are too few, or one is named twice.
    """
    if names and environments:
        raise UsageError("--env takes the place of files", fix="Leave one of them out.")
    if environments:
        chosen = _of_environments(environments)
    else:
        recent = [] if names else latest(question.files_needed)
        chosen = Chosen((*names, *map(str, recent)))
    _check_names(chosen.names, question.files_needed)
    return chosen


def _of_environments(environments: Sequence[str]) -> Chosen:
    results = tox_envs.newest(tuple(dict.fromkeys(environments)))
    stale = [
        f"{name} is stale: {result.stale}; run tox -e {name} again"
        for name, result in results.items()
        if result.stale
    ]
    return Chosen(tuple(str(result.path) for result in results.values()), tuple(stale))


def _check_names(names: Sequence[str], needed: int) -> None:
    if len(names) < needed:
        raise UsageError(
            f"comparing takes {needed} result files, there are {len(names)}",
            fix="Name them, or give --by sender.",
        )
    if len({Path(name).resolve() for name in names}) != len(names):
        raise UsageError("a file is named twice", fix="Comparing it with itself says nothing.")


def read_rows(names: Sequence[str]) -> Files:
    """
    The rows of each file.

    Raises:
        UsageError: a file cannot be read.
    """
    return {name: rows(read(name), name) for name in names}


def read_outcomes(names: Sequence[str]) -> Mapping[str, Outcomes]:
    """
    The cases without a result that the journal of each file tells of.

    Raises:
        UsageError: a journal cannot be read.
    """
    return {name: without_result(journal.read(journal.beside(locate(name)))) for name in names}
