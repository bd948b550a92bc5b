"""
Which unfinished run a new one continues.

A plan is the same if everything in it is: cases, ops, seed, effort, software.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pvbench import journal
from pvbench.errors import UsageError
from pvbench.results import all_runs


def find(output: str | None, plan: dict[str, Any]) -> Path | None:
    """
    The result file to continue; None if there is none, so that the run starts.

    With *output* that file, else the newest unfinished run of *plan* on this machine.

    Raises:
        UsageError: *output* holds another run.
    """
    if output is not None:
        path = Path(output)
        return path if path.exists() and _holds(path, plan) else None
    for path in reversed(all_runs()):
        entries = journal.read(journal.beside(path))
        if journal.plan_of(entries) == plan and not journal.is_complete(entries):
            return path
    return None


def _holds(path: Path, plan: dict[str, Any]) -> bool:
    """*path* belongs to a run of *plan*, be it that nothing of it was written yet."""
    before = journal.plan_of(journal.read(journal.beside(path)))
    if not before and not path.stat().st_size:
        return True
    if before == plan:
        return True
    why = _differing(before, plan) if before else "it has no journal"
    raise UsageError(f"{path} holds another run", why=why, fix="Give another -o FILE.")


def _differing(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What is not the same in two plans."""
    one, other = (plan | plan.get("facts", {}) for plan in (before, now))
    told = [
        f"{name} was {_short(one.get(name))}, is {_short(other[name])}"
        for name in other
        if name not in ("facts", "jobs_sha256") and one.get(name) != other[name]
    ]
    return ", ".join(told) or "what its guests execute has changed"


def _short(value: Any) -> str:
    return f"{len(value)} of them" if isinstance(value, list) else repr(value)
