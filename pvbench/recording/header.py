"""The first line of a recording's file: all that is not a column."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs
import numpy as np

from pvbench import shapes
from pvbench.masks import WORD
from pvbench.recording.bursts import KINDS, Call
from pvbench.recording.operations import MECHANISMS, Operation, Operations, no_operations
from pvbench.recording.recording import CLOCKS, TIMES, Loss, Recording
from pvbench.recording.sets import MOST_CPUS

FORMAT: Final = 1
MAGIC: Final = b'{"pvbench_recording":'
_U64: Final = (1 << 64) - 1
_MOST_ROWS: Final = 1 << 32
_LONGEST_TEXT: Final = 1 << 24  # characters
_BURSTS: Final[dict[str, np.dtype[Any]]] = {
    "time": np.dtype("<i8"),
    "source": np.dtype("<u2"),
    "targets": np.dtype("<u4"),
    "call": np.dtype("<u2"),
    "count": np.dtype("<i8"),
}
# The columns of the file in their order.
COLUMNS: Final[dict[str, np.dtype[Any]]] = {
    "sets.words": np.dtype("<u8"),
    **{
        f"{table}.{name}": dtype
        for table in ("sent", "wanted")
        for name, dtype in _BURSTS.items()
    },
    "operations.time": np.dtype("<i8"),
    "operations.vcpu": np.dtype("<i4"),
    "operations.operation": np.dtype("<u4"),
    "operations.burst": np.dtype("<u4"),
}


@attrs.frozen(kw_only=True)
class Counts:
    """
    The sizes of the columns.

    Args:
        sent: rows of that table; so are *wanted* and *operations*.
        sets: rows of the table of sets.
        width: words of a set.
        empty: the columns that have no rows although their table has some.
    """

    sent: int
    wanted: int
    operations: int
    sets: int
    width: int
    empty: tuple[str, ...]

    def rows(self, column: str) -> int:
        """The number of values in *column*."""
        if column in self.empty:
            return 0
        table = column.partition(".")[0]
        return self.sets * self.width if table == "sets" else int(getattr(self, table))


def text_of(recording: Recording) -> bytes:
    """The line of *recording*."""
    data = {
        "pvbench_recording": FORMAT,
        "producer": recording.producer,
        "kernel": recording.kernel,
        "cpus": recording.cpus,
        "online": list(recording.online),
        "apic_ids": {str(cpu): one for cpu, one in recording.apic_ids.items()},
        "clock": recording.clock,
        "times": recording.times,
        "calls": [attrs.asdict(call) for call in recording.calls],
        "received": {str(v): list(counts) for v, counts in recording.received.items()},
        "losses": [attrs.asdict(loss) for loss in recording.losses],
        "accepted": recording.accepted,
        "events": dict(recording.events),
        "notes": list(recording.notes),
        "texts": dict(recording.texts),
        "table": [[one.mechanism, list(one.args)] for one in recording.operations.table],
        "missing": recording.operations.missing,
        "rows": attrs.asdict(_counts(recording)),
    }
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def _counts(recording: Recording) -> Counts:
    tables: dict[str, Any] = {
        "sent": recording.sent,
        "wanted": recording.wanted,
        "operations": recording.operations,
    }
    empty = [
        name
        for name in COLUMNS
        if (table := tables.get(name.partition(".")[0])) is not None
        and len(table)
        and not len(getattr(table, name.partition(".")[2]))
    ]
    return Counts(
        **{name: len(table) for name, table in tables.items()},
        sets=len(recording.sets),
        width=recording.sets.words.shape[1],
        empty=tuple(empty),
    )


def _version(data: Any) -> int:
    if data != FORMAT or type(data) is not int:
        raise ValueError(f"its format is {data!r}, and this pvbench reads {FORMAT}")
    return FORMAT


def _one_of(*choices: str) -> shapes.Shape[str]:
    def shape(data: Any) -> str:
        if data not in choices:
            raise ValueError(f"{shapes.one_line(data)!r} is not one of {', '.join(choices)}")
        return str(data)

    return shape


def _numbered(of: shapes.Shape[Any]) -> shapes.Shape[dict[int, Any]]:
    """An object whose names are numbers."""

    def shape(data: Any) -> dict[int, Any]:
        values = shapes.mapping(of)(data)
        if not all(name.isascii() and name.isdigit() and len(name) < 6 for name in values):
            raise ValueError("a name is not a number")
        return {int(name): value for name, value in values.items()}

    return shape


def _text(data: Any) -> str:
    """A text of several lines: /proc/cpuinfo has 2 kB for each CPU."""
    if not isinstance(data, str) or len(data) > _LONGEST_TEXT:
        raise ValueError(f"it is not a text of at most {_LONGEST_TEXT} characters")
    return data


def _operation(data: Any) -> Operation:
    mechanism, args = shapes.items(lambda part: part)(data)
    numbers = shapes.items(shapes.integer(0, _U64))(args)
    sizes = {"icr": 2, "hypercall": 5, "hyperv": 2}
    if len(numbers) != sizes[_one_of(*MECHANISMS)(mechanism)]:
        raise ValueError("an operation has the wrong number of arguments")
    return Operation(mechanism, numbers)


_CPU: Final = shapes.integer(0, MOST_CPUS - 1)
_COUNT: Final = shapes.integer(0, _MOST_ROWS)
_CALL: Final = shapes.record(
    Call,
    kind=_one_of(*KINDS),
    callsite=shapes.one_line,
    function=shapes.one_line,
    one_target=shapes.flag,
)
_LOSS: Final = shapes.record(
    Loss,
    cpu=shapes.optional(_CPU),
    events=shapes.optional(shapes.integer()),
    reason=shapes.one_line,
)
_ROWS: Final = shapes.record(
    Counts,
    sent=_COUNT,
    wanted=_COUNT,
    operations=_COUNT,
    sets=_COUNT,
    width=shapes.integer(1, MOST_CPUS // WORD),
    empty=shapes.items(_one_of(*COLUMNS)),
)
_FIELDS: Final[dict[str, shapes.Shape[Any]]] = {
    "pvbench_recording": _version,
    "producer": shapes.one_line,
    "kernel": shapes.one_line,
    "cpus": shapes.integer(1, MOST_CPUS),
    "online": shapes.items(_CPU),
    "apic_ids": _numbered(shapes.integer(0, (1 << 32) - 1)),
    "clock": _one_of(*CLOCKS),
    "times": _one_of(*TIMES),
    "calls": shapes.items(_CALL),
    "received": _numbered(shapes.items(shapes.integer())),
    "losses": shapes.items(_LOSS),
    "accepted": shapes.flag,
    "events": shapes.mapping(shapes.integer()),
    "notes": shapes.items(shapes.one_line),
    "texts": shapes.mapping(_text),
    "table": shapes.items(_operation),
    "missing": shapes.one_line,
    "rows": _ROWS,
}


def parsed(line: bytes) -> tuple[Recording, Counts]:
    """
    The recording of a line, without its columns, and their sizes.

    Raises:
        ValueError: it is no such line.
        ProtocolError: a field is not what it has to be.
    """
    data = shapes.json_value(line.decode())
    if isinstance(data, dict):
        _version(data.get("pvbench_recording"))
    return shapes.record(_made, **_FIELDS)(data)


def _made(*, table: Any, missing: str, rows: Counts, **fields: Any) -> tuple[Recording, Counts]:
    del fields["pvbench_recording"]
    operations: Operations = attrs.evolve(no_operations(), table=table, missing=missing)
    return Recording(**fields, operations=operations), rows
