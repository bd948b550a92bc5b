"""Cases of a run that have no result, according to its journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pvbench.results import journal

Outcomes = Mapping[str, str]
_NO_BOOT = "missing: the run ended before a boot measured it"


def without_result(entries: journal.Entries) -> Outcomes:
    """
    The outcome and the reason of each case that no boot measured, by its name.

    A case of the plan that has no entry is missing.
    """
    measured, reasons = set[str](), dict[str, str]()
    for name, case in _outcome_entries(entries):
        if case["outcome"] == "ok":
            measured.add(name)
        else:
            reasons[name] = f"{case['outcome']}: {case['reason']}"
    planned = dict.fromkeys(journal.plan_of(entries).get("cases", ()), _NO_BOOT)
    return {name: why for name, why in (planned | reasons).items() if name not in measured}


def _outcome_entries(entries: journal.Entries) -> Iterator[tuple[str, journal.Entry]]:
    """The entries of the cases that did not run, then those of each boot."""
    yield from ((entry["case"], entry) for entry in entries if "case" in entry)
    for boot in journal.boots_of(entries).values():
        yield from boot.get("cases", {}).items()
