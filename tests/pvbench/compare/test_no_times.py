"""A clock whose times say nothing: only counts are shown and compared."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.compare.comparison import compare
from pvbench.compare.question import Question
from pvbench.errors import Status
from pvbench.report import comparison as report
from pvbench.report import text
from pvbench.report.notes import notes
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL = "x2apic-physical"


def row(*boots_s: float, exactness: str = "none", **facts: Any) -> Row:
    """A result of a lab with the host's clock."""
    clock = {"clock": "tsc", "exactness": exactness, "delivery": "kvm", "site": "lab:6.1"}
    return row_of("broadcast", PHYSICAL, *boots_s, costs="measured", **(clock | facts))


def compared(before: Row, after: Row) -> Any:
    """Two files."""
    files = {"a.json": [before], "b.json": [after]}
    return compare(files, Question(), outcomes={"a.json": {}, "b.json": {}})


@pytest.mark.parametrize("after_s", [1e-6, 9e-6])
def test_times_that_say_nothing_are_not_compared(after_s: float) -> None:
    """A pair has no verdict, so it is inconclusive and no regression."""
    result = compared(row(1e-6, 2e-6), row(after_s, after_s))
    printed = text.render(report.document(result), 500)

    assert [(pair.verdict, pair.is_ranked, pair.slowdown) for pair in result.pairs] == [
        ("", False, None)
    ]
    assert result.status is Status.INCONCLUSIVE
    assert "1 pair is compared by counts only" in printed
    assert " us" not in printed


def test_counts_are_compared_as_ever() -> None:
    """They are exact on every clock."""
    (pair,) = compared(row(1e-6, icr_writes=79.0), row(1e-6, icr_writes=5.0)).pairs

    assert pair.has_other_counts
    assert pair.is_changed


def test_a_noisy_side_is_not_ranked_against_one_without_times() -> None:
    """Its boots are not judged either."""
    (pair,) = compared(row(1e-6, 2e-6), row(1e-6, 2e-6, exactness="noisy")).pairs

    assert (pair.is_noisy, pair.is_ranked, pair.verdict) == (False, False, "")


def test_boots_without_times_have_no_spread() -> None:
    """Nor are they path lengths."""
    sentences = notes([row(1e-6, 5e-6)], "wall")

    assert not [s for s in sentences if s.startswith(("Spread", "Path lengths"))]
