"""Replays from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pvbench.recording import stored
from support.recordings import recording_of
from support.runs import Cli
from support.traces import TRACES

MEMBARRIER = str(TRACES / "smp60-membarrier.txt.gz")
CPUINFO = ("--cpuinfo", str(TRACES / "smp60-cpuinfo.txt"))
INTERLEAVED = ("--guest", "interleaved:60")  # 0, 128, 1, 129, ...


def unwrapped(text: str) -> str:
    """The text without its line ends."""
    return " ".join(text.split())


def replayed(cli: Cli, *arguments: str) -> dict[str, Any]:
    """The JSON of a replay."""
    done = cli("replay", *arguments, "--json")
    assert done.status == 0, done.err
    data: dict[str, Any] = json.loads(done.out)
    return data


def stack_of(data: dict[str, Any], name: str) -> dict[str, Any]:
    """The totals of one stack."""
    (row,) = (row for row in data["stacks"] if row["stack"] == name)
    return dict(row)


def written(name: str = "real.recording", **fields: Any) -> str:
    """The file of a recording."""
    stored.write(recording_of(**fields), Path(name))
    return name
