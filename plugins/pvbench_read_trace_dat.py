"""The file of `trace-cmd record`, which `trace-cmd report` prints."""

from __future__ import annotations

from pathlib import Path

from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import Reader

pvbench_api = 1

_MAGIC = b"\x17\x08\x44tracing"
_SURE = 1 << 40  # more than any text has lines


def score(start: bytes) -> int:
    """See `Reader`."""
    return _SURE if start.startswith(_MAGIC) else 0


def command(path: Path) -> list[str]:
    """See `Reader`; -t prints nanoseconds."""
    return ["trace-cmd", "report", "-t", "-i", str(path)]


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    return [
        Reader(
            name="trace-dat",
            summary="file of trace-cmd record",
            score=score,
            command=command,
            name_of_tool="trace-cmd",
        )
    ]
