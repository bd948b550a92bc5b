"""Reports of claims about rows, as `pvbench report` makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from pvbench.compare.comparison import compare
from pvbench.compare.outcomes import Outcomes
from pvbench.compare.question import Question
from pvbench.document import Document
from pvbench.report import json, text
from pvbench.report.claim.document import Claim, document
from pvbench.results.provenance import Provenance
from pvbench.results.rows import Row

SHA256 = "5e" * 32


def claim_of(
    *files: Sequence[Row],
    by: str | None = None,
    sources: Sequence[Provenance] = (),
    outcomes: dict[str, Outcomes] | None = None,
) -> Claim:
    """The claim of files called 1.json, 2.json and so on."""
    named = {
        f"{number}.json": [attrs.evolve(row, file=f"{number}.json") for row in rows]
        for number, rows in enumerate(files, 1)
    }
    return Claim(
        comparison=compare(named, Question(by=by), (), outcomes),
        rows=[row for rows in named.values() for row in rows],
        lossy=[row for rows in named.values() for row in rows if row.fact("lost")],
        sources=sources or [Provenance(name=name, sha256=SHA256) for name in named],
    )


def claimed(*files: Sequence[Row], **options: Any) -> Document:
    """The document of such a claim."""
    return document(claim_of(*files, **options))


def claim_text(*files: Sequence[Row], width: int = 1000, **options: Any) -> str:
    """The report of such a claim as text."""
    return text.render(claimed(*files, **options), width)


def claim_json(*files: Sequence[Row], **options: Any) -> Any:
    """The report of such a claim as a JSON value."""
    return json.value(claimed(*files, **options))
