"""Claims whose pages have every kind of chart, and hostile ones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from pvbench.compare.comparison import compare
from pvbench.compare.question import Question
from pvbench.histogram import Histogram
from pvbench.report.claim.document import Claim, document
from pvbench.report.html.claim import page
from pvbench.report.html.page import render
from pvbench.results import provenance
from pvbench.results.files import read
from pvbench.results.rows import Row, rows
from support.runs import file_of, row_of

HOSTILE: Final = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"
_STACKS: Final = ("x2apic-physical", "x2apic-cluster", "kvm-pv/x2apic-physical")
_BOOTS: Final = 8


def _row(stack: str, targets: int, place: int, **facts: object) -> Row:
    """A member of the family fanout: the second stack is faster from 8 targets on."""
    slope = (1.0, 0.6, 0.4)[place]
    time_s = (1 + 3 * place + slope * targets) * 1e-6
    ticks = [int(time_s * 1e9) + number for number in range(50)]
    chosen: dict[str, object] = {
        "delivery": "kvm",
        "clock": "tsc",
        "costs": "measured",
        "family": "fanout",
        "parameter": "targets",
        "parameter_value": targets,
        "targets": targets,
        "icr_writes": float(targets if place < 2 else 0),
        "hypercalls": float(place == 2),
        "histogram_ticks": Histogram.of(ticks).encoded(),
        "ticks_per_second": 10**9,
    }
    boots = [time_s * (1 + 0.001 * (number * (3 + place) % 7)) for number in range(_BOOTS)]
    row = row_of(f"fanout:{targets}", stack, *boots, **(chosen | facts))
    return attrs.evolve(row, boots=tuple(range(1, _BOOTS + 1)))


def _claim(path: Path, *members: Row) -> Claim:
    """The claim of one file with these rows, by sender."""
    name = file_of(path, *members)
    read_rows = rows(read(name), name)
    return Claim(
        comparison=compare({name: read_rows}, Question(by="sender")),
        rows=read_rows,
        sources=[provenance.of(name)],
    )


def claim_files(folder: Path) -> Claim:
    """A claim about three stacks, in a file of *folder*."""
    members = [
        _row(stack, targets, place)
        for place, stack in enumerate(_STACKS)
        for targets in (1, 2, 4, 8, 16, 32)
    ]
    return _claim(folder / "fanout.json", *members)


def hostile_claim(folder: Path) -> Claim:
    """The same with markup in every text that a file or a journal can have."""
    texts = {"guest": HOSTILE, "sender_plugin": HOSTILE, "host_cpu_model": HOSTILE}
    members = [
        _row(stack if place else HOSTILE.replace("/", "|"), targets, place, **texts)
        for place, stack in enumerate(_STACKS)
        for targets in (1, 2)
    ]
    claim = _claim(folder / "hostile.json", *members)
    entries = [{"case": HOSTILE, "outcome": "unsupported", "reason": HOSTILE}]
    return attrs.evolve(claim, sources=[attrs.evolve(claim.sources[0], entries=entries)])


def page_of(claim: Claim) -> str:
    """The page of a claim."""
    return render(page(claim, document(claim)))
