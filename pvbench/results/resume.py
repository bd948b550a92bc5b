"""
Which unfinished run a new one continues.

A plan is the same if everything in it is: cases, ops, seed, effort, software.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pvbench.errors import UsageError
from pvbench.results import journal
from pvbench.results.files import all_runs

_SHA256 = 64  # hexadecimal digits


def find(output: str | None, plan: dict[str, Any]) -> Path | None:
    """
    The result file to continue; None if there is none, so that the run starts.

    With *output* that file, else the newest unfinished run of *plan* on this machine.

    Raises:
        UsageError: *output* holds another run.
    """
    if output is not None:
        path = Path(output)
        ours = path.suffix == ".json" and path.exists()  # else claiming it says why not
        return path if ours and _holds(path, plan) else None
    return next((path for path, before in _unfinished() if before == plan), None)


def why_anew(plan: dict[str, Any]) -> str:
    """Why a run of *plan* starts although it might have resumed one."""
    told = "there is no unfinished run of this plan here, a new one starts"
    for path, before in _unfinished():
        if before.get("suite") == plan["suite"]:
            return f"{told}; unlike in {path}: {_differing(before, plan)}"
    return told


def _unfinished() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Unfinished runs of this machine and their plans, the newest first."""
    for path in reversed(all_runs()):
        with suppress(UsageError):  # a damaged journal is nobody's
            entries = journal.read(journal.beside(path))
            if journal.plan_of(entries) and not journal.is_complete(entries):
                yield path, journal.plan_of(entries)


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
    one, other = _flat(before), _flat(now)
    told = [
        f"{name} was {_short(one.get(name))}, is {_short(other.get(name))}"
        for name in other | one
        if one.get(name) != other.get(name)
    ]
    told += _cases(before.get("cases", []), now["cases"])
    return ", ".join(told) or "what its guests execute has changed"


def _flat(plan: dict[str, Any]) -> dict[str, Any]:
    """What can be told of a plan in a word each."""
    nested = {
        f"{key}.{name}": value
        for key in ("effort", "senders")
        for name, value in plan.get(key, {}).items()
    }
    nested |= plan.get("facts", {})
    return nested | {
        key: value
        for key, value in plan.items()
        if key != "jobs_sha256" and not isinstance(value, dict | list)
    }


def _short(value: Any) -> str:
    """A hash by its first digits."""
    if value is None:
        return "none"
    return repr(value[:8] if isinstance(value, str) and len(value) == _SHA256 else value)


def _cases(before: list[str], now: list[str]) -> list[str]:
    """Cases that only one plan has."""
    told = []
    for names, others, what in ((before, now, "gone"), (now, before, "new")):
        first, *more = [name for name in names if name not in set(others)] or [""]
        if first:
            told.append(
                f"{first} and {len(more)} more are {what}" if more else f"{first} is {what}"
            )
    if not told and before != now:
        return ["its cases come in another order"]
    return told
