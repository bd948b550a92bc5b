"""
Find the run that `--resume` continues.

Two plans are the same if their cases, ops, seed, effort and software are equal.  Only the
number of boots may grow: a plan with more boots begins with the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pvbench.errors import UsageError
from pvbench.results import journal
from pvbench.results.files import all_runs, is_result_name
from pvbench.text import short_hashes, shortened_list


def find(output: str | None, plan: dict[str, Any]) -> Path | None:
    """
    The result file to continue; None if a new run must start.

    It is *output* if given, else the newest run of *plan* on this machine that lacks boots.

    Raises:
        UsageError: *output* holds another run.
    """
    if output is not None:
        path = Path(output)
        ours = is_result_name(path) and path.exists()  # if not, `claim` says why
        return path if ours and _holds(path, plan) else None
    runs = (
        path
        for path, entries in _runs()
        if _continues(journal.plan_of(entries), plan)
        and not journal.is_complete(entries, plan["boots"])
    )
    return next(runs, None)


def why_anew(plan: dict[str, Any]) -> str:
    """A sentence that says why a new run of *plan* starts."""
    reason = "there is no unfinished run of this plan here, so a new one starts"
    for path, entries in _runs():
        before = journal.plan_of(entries)
        is_unfinished = not journal.is_complete(entries, before.get("boots", 0))
        if is_unfinished and before.get("suite") == plan["suite"]:
            return f"{reason}; unlike in {path}: {_differing(before, plan)}"
    return reason


def _runs() -> Iterator[tuple[Path, journal.Entries]]:
    """Runs of this machine that have a plan, with their journals, the newest first."""
    for path in reversed(all_runs()):
        with suppress(UsageError):  # skip journals that cannot be read
            entries = journal.read(journal.beside(path))
            if journal.plan_of(entries):
                yield path, entries


def _continues(before: dict[str, Any], plan: dict[str, Any]) -> bool:
    """Whether *plan* is the plan *before*, perhaps with more boots."""
    return _but_boots(before) == _but_boots(plan) and before.get("boots", 0) <= plan["boots"]


def _but_boots(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan without the number of its boots."""
    return plan | {"boots": 0, "effort": plan.get("effort", {}) | {"boots": 0}}


def _holds(path: Path, plan: dict[str, Any]) -> bool:
    """Whether *path* belongs to a run of *plan*; an empty file without a journal does."""
    before = journal.plan_of(journal.read(journal.beside(path)))
    if not before and not path.stat().st_size:
        return True
    if before and _continues(before, plan):
        return True
    fix = "Give another -o FILE."
    if before:
        raise UsageError(f"{path} holds another run", why=_differing(before, plan), fix=fix)
    raise UsageError(f"{path} cannot be resumed", why=_without_plan(path), fix=fix)


def _without_plan(path: Path) -> str:
    """Why the plan of the run at *path* is not known."""
    book = journal.beside(path)
    if book.is_file() and book.stat().st_size:
        return f"its journal {book} is cut off within the plan of the run"
    return "it has no journal"


def _differing(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The differences of two plans, in words."""
    values_before, values_now = _scalars(before), _scalars(now)
    differences = [
        f"{name} was {_shown_value(values_before.get(name))}, "
        f"is {_shown_value(values_now.get(name))}"
        for name in values_now | values_before
        if values_before.get(name) != values_now.get(name)
    ]
    differences += _different_cases(before.get("cases", []), now["cases"])
    return ", ".join(differences) or "what its guests execute has changed"


def _scalars(plan: dict[str, Any]) -> dict[str, Any]:
    """The entries of a plan that a few words can show."""
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


def _shown_value(value: Any) -> str:
    """A value as a message shows it; hashes are shortened."""
    return "none" if value is None else short_hashes(repr(value))


def _different_cases(before: list[str], now: list[str]) -> list[str]:
    """The cases that only one of two plans has, in words."""
    differences = []
    for names, others, verb in ((before, now, "gone"), (now, before, "new")):
        present = set(others)
        if unmatched := [name for name in names if name not in present]:
            form = "is" if len(unmatched) == 1 else "are"
            differences.append(f"{shortened_list(unmatched, 1)} {form} {verb}")
    if not differences and before != now:
        return ["its cases come in another order"]
    return differences
