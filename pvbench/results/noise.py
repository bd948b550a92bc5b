"""
The measurements of `pvbench noise` on this machine: one JSON object a line, appended.

A line is about one session of a suite, with the same options on both sides:

    {"format": 1, "kind": "boots", "host": {...}, "effort": {...}, "boots": n,
     "values": {series and statistic: number}}

Of kind ``boots`` the numbers are the standard deviations of the log ratio of a pair of
boots, of kind ``runs`` the log ratios of two whole runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.errors import ProtocolError, UsageError, not_readable, not_writable
from pvbench.host import name as host_name
from pvbench.host.files import open_regular, read_regular
from pvbench.results.fact import Facts
from pvbench.shapes import integer, json_value, mapping, number, record, text

FORMAT: Final = 1
KINDS: Final = ("boots", "runs")
_NAME: Final = "noise.jsonl"
# A host is another one, as far as noise goes, if one of these differs.  The kernel is none of
# them: runs under two kernels of one host are what an allowance is for.
_HOST: Final = ("cpu_model", "nested", "virtualization", "smt", "governor", "turbo")
_EFFORT: Final = ("slices", "loops", "warmup", "slice_s")
_LARGEST: Final = 700.0  # of a log ratio: exp of more is no number
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW


@attrs.frozen(kw_only=True)
class Conditions:
    """
    The conditions on which the noise of a run depends, besides the series.

    Args:
        host: the facts that identify the host.
        effort: how much each boot measured; {} if that is not known.
        boots: the boots of the run.
    """

    host: Mapping[str, str]
    effort: Mapping[str, float]
    boots: int


@attrs.frozen(kw_only=True)
class Line(Conditions):
    """
    One session.

    Args:
        kind: one of KINDS.
        values: the numbers, by `key`.
    """

    kind: str
    values: Mapping[str, float]


def conditions_of(facts: Facts, plan: Mapping[str, Any], boots: int) -> Conditions:
    """
    The conditions of a run.

    Args:
        facts: of one of its series; facts of the host that it does not have are ``-``.
        plan: of its journal; {} without one.
        boots: that were measured.
    """
    effort = plan.get("effort", {})
    return Conditions(
        host={name: str(facts.get(f"host_{name}", "-")) for name in _HOST},
        effort={name: _number(effort.get(name)) for name in _EFFORT if effort},
        boots=boots,
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def key(series: str, statistic: str) -> str:
    """The name of a number in the values of a line."""
    return f"{series} {statistic}"


def path_here() -> Path:
    """The file of this machine, in the folder where its runs go."""
    return Path("results") / host_name.name() / _NAME


def beside(results: Path) -> Path:
    """The file in the folder of a result file."""
    return results.with_name(_NAME)


def append(line: Line) -> None:
    """
    Add a line to the file of this machine.

    Raises:
        UnavailableError: it cannot be written.
    """
    path = path_here()
    data = json.dumps({"format": FORMAT, **attrs.asdict(line)}).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = open_regular(path, _APPEND)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise not_writable(path, error) from None


def read(path: Path) -> tuple[Line, ...]:
    """
    The lines of a file; none if there is no file.

    Raises:
        UsageError: it cannot be read, or a line is malformed.
    """
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise not_readable(path, error) from None
    *lines, _ = content.split(b"\n")  # a last line without an end was cut off
    return tuple(_line(path, place, line) for place, line in enumerate(lines, 1))


def matching(lines: Iterable[Line], kind: str, conditions: Conditions) -> tuple[Line, ...]:
    """The sessions of this kind and these conditions; their runs may have fewer boots."""
    return tuple(
        line
        for line in lines
        if line.kind == kind
        and line.host == conditions.host
        and line.effort == conditions.effort
        and line.boots <= conditions.boots
    )


def _line(path: Path, place: int, line: bytes) -> Line:
    try:
        return _SHAPE(json_value(line.decode()))
    except (ProtocolError, ValueError) as error:
        is_no_json = isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
        why = "it is not JSON" if is_no_json else str(error)
        raise UsageError(
            f"line {place} of {path} is malformed", why=why, fix="Remove that line."
        ) from None


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def shape(data: Any) -> str:
        if data not in choices:
            raise ProtocolError(f"it is not one of {', '.join(choices)}")
        return str(data)

    return shape


_SHAPE: Final = record(
    lambda format, **fields: Line(**fields),  # noqa: A006 - the name in the file
    format=integer(FORMAT, FORMAT),
    kind=_one_of(KINDS),
    host=mapping(text),
    effort=mapping(number(0, 1e18)),
    boots=integer(1),
    values=mapping(number(-_LARGEST, _LARGEST)),
)
