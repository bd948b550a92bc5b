"""The entries of a journal, and the checks of their shape."""

from __future__ import annotations

from typing import Any, Final

OUTCOMES: Final = ("ok", "unsupported", "blocked", "void", "failed")

Entry = dict[str, Any]


def _is_plan(entry: Entry) -> bool:
    plan = entry["plan"]
    return isinstance(plan, dict) and (
        _is_count(plan.get("boots", 0))
        and isinstance(cases := plan.get("cases", []), list)
        and all(isinstance(name, str) for name in cases)
        and all(isinstance(plan.get(key, {}), dict) for key in ("effort", "senders", "facts"))
    )


def _is_case(entry: Entry) -> bool:
    return isinstance(entry["case"], str) and _is_outcome(entry)


def _is_boot(entry: Entry) -> bool:
    cases = entry.get("cases", {})
    if not (_is_count(entry["boot"]) and isinstance(cases, dict)):
        return False
    outcomes = all(isinstance(case, dict) and _is_outcome(case) for case in cases.values())
    return outcomes and entry.get("outcome") in OUTCOMES


def _is_end(entry: Entry) -> bool:
    return _is_count(entry["end"]) and _is_count(entry.get("signal", 0))


def _is_outcome(entry: Entry) -> bool:
    is_known = entry.get("outcome") in OUTCOMES and isinstance(entry.get("reason"), str)
    return is_known and isinstance(entry.get("of_host", False), bool)


def _is_command(entry: Entry) -> bool:
    words = entry["command"]
    return isinstance(words, list) and all(isinstance(word, str) for word in words)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 32


WELL_FORMED: Final = {
    "plan": _is_plan,
    "command": _is_command,
    "case": _is_case,
    "boot": _is_boot,
    "end": _is_end,
}
