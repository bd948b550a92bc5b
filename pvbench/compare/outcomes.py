"""The cases of a run that have no result, or not in every boot, according to its journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from pvbench.results import journal
from pvbench.results.entry import Entry

MISSING: Final = "missing"
VOID: Final = "void"
NO_BOOT: Final = "the run ended before a boot measured it"


@attrs.frozen
class Outcome:
    """
    The outcome of a case that has no result, or not in every boot.

    Args:
        kind: an outcome other than ``ok``, or ``missing``.
        reason: why, in words.
        is_partial: whether other boots have a result.
        of_host: whether an error of the host is the reason.
    """

    kind: str
    reason: str
    is_partial: bool = False
    of_host: bool = False

    @property
    def text(self) -> str:
        """The kind and the reason."""
        return f"{self.kind}: {self.reason}"


Outcomes = Mapping[str, Outcome]


def worse_than_ok(entries: journal.Entries) -> Outcomes:
    """
    The outcome of each case that no boot measured, or that is void in a boot, by its name.

    A case of the plan that has no entry is missing.
    """
    measured, outcomes = set[str](), dict[str, Outcome]()
    for name, case in _outcome_entries(entries):
        if case["outcome"] == "ok":
            measured.add(name)
            continue
        of_host = case.get("of_host", False)
        if not (of_host and name in outcomes):  # it says less than any other outcome
            outcomes[name] = Outcome(case["outcome"], case["reason"], of_host=of_host)
    planned = journal.plan_of(entries).get("cases", ())
    return {
        name: attrs.evolve(outcome, is_partial=name in measured)
        for name, outcome in (
            dict.fromkeys(planned, Outcome(MISSING, NO_BOOT)) | outcomes
        ).items()
        if name not in measured or outcome.kind == VOID
    }


def _outcome_entries(entries: journal.Entries) -> Iterator[tuple[str, Entry]]:
    """The entries of the cases that did not run, then those of each boot."""
    yield from ((entry["case"], entry) for entry in entries if "case" in entry)
    for boot in journal.boots_of(entries).values():
        yield from boot.get("cases", {}).items()
