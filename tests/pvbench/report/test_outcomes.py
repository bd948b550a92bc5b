"""The outcomes of cases: those of the exit status, and of the journal."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.checks import Result
from pvbench.compare.comparison import compare
from pvbench.compare.question import Question
from pvbench.report.outcomes import of_comparison, of_run
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)
LOSSY = row_of("broadcast", PHYSICAL, 1e-6, lost=3)


@pytest.mark.parametrize(
    ("after", "options", "result", "reason"),
    [
        pytest.param(
            row_of("broadcast", PHYSICAL, 100e-6),
            {},
            Result.PASSED,
            "faster, 200 us to 100 us",
            id="faster",
        ),
        pytest.param(
            row_of("broadcast", PHYSICAL, 210e-6),
            {},
            Result.FAILED,
            "slower, 200 us to 210 us",
            id="slower",
        ),
        pytest.param(
            row_of("broadcast", PHYSICAL, 210e-6),
            {"fail_above_percent": 10},
            Result.PASSED,
            "slower, 200 us to 210 us",
            id="slower-below-the-limit",
        ),
        pytest.param(LOSSY, {}, Result.FAILED, "loses 3 of 79 IPIs", id="loses"),
    ],
)
def test_the_outcome_of_a_pair_is_that_of_the_exit_status(
    after: Row, options: dict[str, Any], result: Result, reason: str
) -> None:
    """A consumer of KTAP fails where the command does."""
    question = Question(**options)
    checks = of_comparison(compare({"a": [BEFORE], "b": [after]}, question)).checks

    assert [(check.result, check.reason) for check in checks] == [(result, reason)]


def test_senders_of_one_run_do_not_fail_for_being_slower() -> None:
    """Their comparison changes no exit status."""
    rows = [BEFORE, row_of("broadcast", PV, 300e-6)]
    (check,) = of_comparison(compare({"a": rows}, Question(by="sender"))).checks

    assert check.result is Result.PASSED


def test_the_outcomes_of_a_run_are_those_of_its_rows_and_its_journal() -> None:
    """Each case has one outcome."""
    entries: list[dict[str, Any]] = [
        {"case": "late", "outcome": "unsupported", "reason": "no x2APIC"},
        {"case": "wrong", "outcome": "void", "reason": "counts differ"},
        {"case": "torn", "outcome": "void", "reason": "twice", "of_host": True},
    ]
    checks = of_run([row_of("dry-run", PHYSICAL, 1e-9), LOSSY], entries).checks

    assert {check.name.split(" ")[0]: (check.result, check.reason) for check in checks} == {
        "norov.dry-run": (Result.PASSED, "modelled"),
        "norov.broadcast": (Result.EXPECTED_FAILURE, "loses 3 of 79 IPIs"),
        "late": (Result.SKIPPED, "unsupported: no x2APIC"),
        "wrong": (Result.FAILED, "void: counts differ"),
        "torn": (Result.SKIPPED, "void: twice"),
    }
