"""Two result files compared by the command line, and the table that it prints."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pvbench.results.rows import Row
from support.runs import Cli, Output, file_of, row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)


def table(output: Output) -> list[dict[str, str]]:
    """A CSV table by its headers."""
    return list(csv.DictReader(io.StringIO(output.out)))


def not_compared(output: Output) -> list[tuple[str, ...]]:
    """(name, file, why) of each series in a CSV table that is compared with nothing."""
    rows = (row for row in table(output) if row.get("name", "-") != "-")
    return [(row["name"], row["file"], row["why"]) for row in rows]


def case_of(row: Row) -> str:
    """The name of the case of a row of the series wall."""
    return row.name.removesuffix(" wall")


def compared(cli: Cli, old: list[Row], new: list[Row], *options: str) -> Output:
    """Two files in the current directory, the first the baseline."""
    file_of(Path("old.json"), *old)
    file_of(Path("new.json"), *new)
    return cli("compare", "old.json", "new.json", *options)
