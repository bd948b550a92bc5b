"""The command of `pvbench ab` that would decide about files that were not interleaved."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from pvbench.compare.pairs import Pair
from pvbench.compare.statistics import NOT_INTERLEAVED
from pvbench.results import schema
from pvbench.results.rows import Row

# Facts that the command chooses; an option that takes one value has it from the first pair.
_SINGLE: Final = (
    *("delivery", "site", "host", "guest_bits", "host_cpus", "linux", "execution"),
)
_LISTED: Final = ("workload", "sender", "driver", "target_state")  # values between commas
_REPEATED: Final = ("guest",)
_USUAL: Final = {"site": "local", "execution": "algorithm"}
_MOST_WORKLOADS: Final = 20  # of more, the suite has all
_PAIRS: Final = 10  # that `pvbench ab` takes without --boots
_NO_ORIGIN: Final = "- "  # of a plugin without a distribution, which -p has loaded
_UNKNOWN: Final = "Add what differs between the runs with --a and --b: the files do not say it."


@attrs.frozen
class Command:
    """
    A command line.

    Args:
        words: its words; an option is one word with its value.
        lacks: sentences about what the files do not say and the user has to add.
    """

    words: tuple[str, ...]
    lacks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The command in one line."""
        return " ".join(self.words)


def deciding_command(pairs: Sequence[Pair], by: str | None) -> Command | None:
    """The command that measures pairs that were not interleaved; None if there are none."""
    undecided = [pair for pair in pairs if _lacks_turns(pair)]
    if not undecided:
        return None
    first = undecided[0]
    rows = [pair.before for pair in undecided if _shared(pair, by) == _shared(first, by)]
    sides, lacks = _of_axis(first, by) if by else _of_files(first)
    free = set(schema.free(by) if by else ())
    if len({row.fact("workload") for row in rows}) > _MOST_WORKLOADS:
        free.add("workload")
    chosen = [name for name in (*_SINGLE, *_LISTED, *_REPEATED) if name not in free]
    suite = shlex.quote(str(first.before.fact("suite")))
    words = ("pvbench ab", suite, *_options(rows, chosen), *_boots(rows), *sides)
    return Command(words, (*lacks, *_plugin_files(first.rows)))


def _lacks_turns(pair: Pair) -> bool:
    """Whether pairs of boots would decide; pvbench cannot run another benchmark."""
    is_undecided = pair.judged is not None and pair.judged.reason == NOT_INTERLEAVED
    return is_undecided and not pair.after.benchmark


def _shared(pair: Pair, by: str | None) -> tuple[Any, ...]:
    """The facts that one command has in common for all of its pairs."""
    sides = [_options([row], schema.free(by)) for row in pair.rows] if by else []
    single = tuple(_options([pair.before], _SINGLE))
    return (pair.baseline, pair.side, pair.before.fact("suite"), single, *map(tuple, sides))


def _options(rows: Sequence[Row], names: Iterable[str]) -> Iterator[str]:
    """The options that choose the facts *names* of *rows*."""
    for name in names:
        facts = [row.facts for row in rows if row.fact(name) != _USUAL.get(name)]
        texts = dict.fromkeys(filter(None, (schema.options(one, [name]) for one in facts)))
        options = [text.partition(" ") for text in texts]
        if name in _LISTED and options:
            options = [(options[0][0], " ", ",".join(value for _, _, value in options))]
        for option, blank, value in options:
            yield f"{option} {shlex.quote(value)}" if blank else option


def _boots(rows: Sequence[Row]) -> Iterator[str]:
    """The number of boots, if the files have more than `pvbench ab` takes by itself."""
    boots = max(len(row.boots_s) for row in rows)
    if boots > _PAIRS:
        yield f"--boots {boots}"


def _of_axis(pair: Pair, by: str) -> tuple[list[str], list[str]]:
    """The options of the sides of an axis."""
    sides = [" ".join(_axis_options(row, by)) for row in pair.rows]
    if not all(sides):
        return [], [_UNKNOWN]
    options = zip(("--a", "--b"), sides, strict=True)
    return [f"{option} {shlex.quote(side)}" for option, side in options], []


def _axis_options(row: Row, by: str) -> Iterator[str]:
    """As `_options`, with the usual values too, because the other side differs from them."""
    for name in schema.free(by):
        option, blank, value = schema.options(row.facts, [name]).partition(" ")
        if option:
            yield f"{option} {shlex.quote(value)}" if blank else option


def _of_files(pair: Pair) -> tuple[list[str], list[str]]:
    """The tox environments of the files, or what they do not say."""
    one, other = pair.rows
    environments = [row.fact("tox_env") for row in (one, other)]
    if all(environments) and environments[0] != environments[1]:
        return [f"--env {shlex.quote(str(name))}" for name in environments], []
    differing = [name for name in schema.software() if one.fact(name) != other.fact(name)]
    if differing:
        names = ", ".join(name.replace("_", " ") for name in differing)
        return [], [f"Add --python PYTHON for each run: their software differs ({names})."]
    return [], [_UNKNOWN]


def _plugin_files(rows: Iterable[Row]) -> Iterator[str]:
    """A sentence if a plugin was loaded from a file."""
    origins = [row.fact(f"{kind}_plugin") for row in rows for kind in ("sender", "delivery")]
    if any(str(origin).startswith(_NO_ORIGIN) for origin in origins):
        yield "Add -p for the plugins that the runs loaded from files."
