"""Cases of a run that have no result, according to its journal."""

from __future__ import annotations

from typing import Any

from pvbench.compare.outcomes import without_result

OK = {"outcome": "ok", "reason": ""}
VOID = {"outcome": "void", "reason": "slow"}
PLAN: dict[str, Any] = {"plan": {"cases": ["a", "b", "c"], "boots": 2}}


def boot(number: int, **cases: dict[str, str]) -> dict[str, Any]:
    """The entry of a boot."""
    return {"boot": number, "outcome": "ok", "cases": cases}


def test_a_case_that_no_boot_measured_has_its_outcome_and_reason() -> None:
    """Refused cases never boot."""
    refused = {"case": "c", "outcome": "unsupported", "reason": "no ABI"}

    assert without_result([PLAN, refused, boot(1, a=OK, b=VOID)]) == {
        "b": "void: slow",
        "c": "unsupported: no ABI",
    }


def test_a_case_that_one_boot_measured_has_a_result() -> None:
    """Its other boot is void."""
    assert without_result([PLAN, boot(1, a=OK, b=OK, c=OK), boot(2, a=VOID)]) == {}


def test_a_planned_case_without_an_entry_is_missing() -> None:
    """The run was killed."""
    missing = without_result([PLAN, boot(1, a=OK, b=OK)])

    assert missing == {"c": "missing: the run ended before a boot measured it"}


def test_a_file_without_a_journal_has_no_outcomes() -> None:
    """A published file has no journal."""
    assert without_result([]) == {}
