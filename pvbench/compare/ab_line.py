"""The command line of `pvbench ab` that would decide about files that were not interleaved."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from pvbench.compare.pairs import Pair
from pvbench.compare.statistics import NOT_INTERLEAVED
from pvbench.results import schema
from pvbench.results.rows import Row

_USUAL_SITE: Final = "local"
_UNKNOWN: Final = '--a "OPTIONS" --b "OPTIONS"'


def deciding_line(pairs: Sequence[Pair], by: str | None) -> str:
    """
    The command line for the first pair that was not interleaved; empty if there is none.

    It has capitals where the files do not say what differs between the sides.
    """
    pair = next((one for one in pairs if _lacks_turns(one)), None)
    if pair is None:
        return ""
    one, other = pair.rows
    is_usual = one.fact("site") == _USUAL_SITE
    where = schema.options(one.facts, ["delivery"] if is_usual else ["delivery", "site"])
    sides = _of_axis(pair, by) if by else _of_files(one, other)
    suite = shlex.quote(str(one.fact("suite")))
    return " ".join(filter(None, ["pvbench ab", suite, where, sides]))


def _lacks_turns(pair: Pair) -> bool:
    return pair.judged is not None and pair.judged.reason == NOT_INTERLEAVED


def _of_axis(pair: Pair, by: str) -> str:
    """The options of the sides of an axis."""
    one, other = (schema.options(row.facts, schema.free(by)) for row in pair.rows)
    return f'--a "{one}" --b "{other}"' if one and other else _UNKNOWN


def _of_files(one: Row, other: Row) -> str:
    """The tox environments of the files, or two interpreters if their software differs."""
    environments = [row.fact("tox_env") for row in (one, other)]
    if all(environments) and environments[0] != environments[1]:
        return " ".join(f"--env {shlex.quote(str(name))}" for name in environments)
    if any(one.fact(name) != other.fact(name) for name in schema.software()):
        return "--python PYTHON --python PYTHON"
    return _UNKNOWN
