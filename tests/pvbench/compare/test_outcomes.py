"""Cases of a run that have no result, or not in every boot, according to its journal."""

from __future__ import annotations

from typing import Any

from pvbench.compare.outcomes import Outcome, worse_than_ok

OK = {"outcome": "ok", "reason": ""}
VOID = {"outcome": "void", "reason": "slow"}
PLAN: dict[str, Any] = {"plan": {"cases": ["a", "b", "c"], "boots": 2}}


def boot(number: int, **cases: dict[str, Any]) -> dict[str, Any]:
    """The entry of a boot."""
    return {"boot": number, "outcome": "ok", "cases": cases}


def test_a_case_that_no_boot_measured_has_its_outcome_and_reason() -> None:
    """Refused cases never boot."""
    refused = {"case": "c", "outcome": "unsupported", "reason": "no ABI"}

    assert worse_than_ok([PLAN, refused, boot(1, a=OK, b=VOID)]) == {
        "b": Outcome("void", "slow"),
        "c": Outcome("unsupported", "no ABI"),
    }


def test_a_case_that_one_boot_measured_is_partly_void_if_another_boot_is() -> None:
    """A boot that failed proves nothing about the case, so it adds no outcome to a result."""
    failed = {"outcome": "failed", "reason": "the worker ended"}
    entries = [PLAN, boot(1, a=OK, b=OK, c=OK), boot(2, a=VOID, b=failed)]

    assert worse_than_ok(entries) == {"a": Outcome("void", "slow", is_partial=True)}


def test_a_case_that_the_host_spoilt_says_so_unless_another_boot_says_more() -> None:
    """The proof of mechanism failed in another boot of case c, before or after it."""
    twice = {"outcome": "void", "reason": "twice", "of_host": True}
    entries = [PLAN, boot(1, a=OK, b=twice, c=VOID), boot(2, a=twice, b=twice, c=twice)]

    assert worse_than_ok(entries) == {
        "a": Outcome("void", "twice", is_partial=True, of_host=True),
        "b": Outcome("void", "twice", of_host=True),
        "c": Outcome("void", "slow"),
    }
    assert worse_than_ok([PLAN, boot(1, c=twice), boot(2, c=VOID)])["c"] == Outcome(
        "void", "slow"
    )


def test_a_planned_case_without_an_entry_is_missing() -> None:
    """The run was killed."""
    (missing,) = worse_than_ok([PLAN, boot(1, a=OK, b=OK)]).items()

    assert missing == ("c", Outcome("missing", "the run ended before a boot measured it"))
    assert missing[1].text == "missing: the run ended before a boot measured it"


def test_a_file_without_a_journal_has_no_outcomes() -> None:
    """A published file has no journal."""
    assert worse_than_ok([]) == {}
