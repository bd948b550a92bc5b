"""Rows of a run, and what `show` prints of them."""

from __future__ import annotations

from typing import Any

from pvbench.report import csv, text
from pvbench.report.summary import summary
from pvbench.results.rows import Row
from support.runs import row_of, suite_of

PHYSICAL, OVERLAID = "x2apic-physical", "kvm-pv/x2apic-physical"
NATIVE = row_of("broadcast", PHYSICAL, 198e-6)
PV = row_of("broadcast", OVERLAID, 76.9e-6, icr_writes=0.0, hypercalls=1.0)
DRY = row_of("dry-run", PHYSICAL, 24e-9, targets=0, icr_writes=0.0)


def printed_summary(
    *rows: Row,
    journal: list[dict[str, Any]] | None = None,
    style: str = "plain",
    **options: Any,
) -> str:
    """The summary of a file with these rows, in lines that are long enough."""
    document = summary(suite_of(*rows), journal or [], **options)
    return csv.render(document) if style == "csv" else text.render(document, 1000)
