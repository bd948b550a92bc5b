"""Whether a run has all of its boots, according to its journal."""

from __future__ import annotations

from pvbench.results import journal


def incomplete(entries: journal.Entries) -> str:
    """The number of missing boots in words; empty for a run that has all that it needs."""
    planned = journal.plan_of(entries).get("boots", 0)
    finished = len(journal.boots_of(entries))
    if finished >= planned or journal.is_settled(entries):
        return ""
    end = next((entry for entry in reversed(entries) if "end" in entry), {})
    why = f"ended by signal {end['signal']}" if end.get("signal") else "did not end"
    return f"incomplete: {finished} of {planned} boots, the run {why}; --resume continues it"
