"""The table of a run: stacks down, workloads across, and what was not run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyperf

from pvbench.report import table
from pvbench.report.notes import notes
from pvbench.results import journal, schema
from pvbench.results.rows import HEADLINE, Row, ordered, rows


def summary(
    suite: pyperf.BenchmarkSuite,
    entries: journal.Entries,
    *,
    style: str = "plain",
    series: str = HEADLINE,
) -> str:
    """Tables and sentences for everything in a result file and its journal."""
    found = rows(suite)
    if style == "csv":
        return _csv(found, series)
    parts: list[str] = []
    for group in dict.fromkeys(_group(row) for row in found):
        members = [row for row in found if _group(row) == group]
        parts += _group_text(members, style, series)
    parts += filter(None, ["\n".join(not_run(entries))])
    return "\n\n".join(parts)


def _group(row: Row) -> tuple[Any, ...]:
    return tuple(row.fact(name) for name in schema.grouping())


def _group_text(members: list[Row], style: str, series: str) -> Iterator[str]:
    workloads = ordered(members, "workload")
    stacks = ordered(members, "stack")
    times = [
        [stack, *(_time(members, stack, workload, series) for workload in workloads)]
        for stack in stacks
    ]
    yield _heading(members, series)
    yield table.render(["stack", *workloads], times, style, left=1)
    sending = [w for w in workloads if _targets(members, w)]
    if sending and any(row.fact("icr_writes") is not None for row in members):
        counts = [
            [stack, *(_counts(members, stack, workload) for workload in sending)]
            for stack in stacks
        ]
        yield "What one iteration executes (w ICR writes, h hypercalls):"
        yield table.render(["stack", *sending], counts, style, left=1)
    if told := list(notes(members, series)):
        yield "\n".join(told)


def _csv(found: list[Row], series: str) -> str:
    """One table, times in seconds; what tells groups apart is a column of its own."""
    workloads = ordered(found, "workload")
    telling = [fact for fact in schema.grouping() if len(ordered(found, fact)) > 1]
    lines = []
    for group, stack in dict.fromkeys((_group(row), row.fact("stack")) for row in found):
        members = [row for row in found if (_group(row), row.fact("stack")) == (group, stack)]
        told = [str(members[0].fact(fact)) for fact in telling]
        cells = (_time(members, stack, workload, series, repr) for workload in workloads)
        lines.append([*told, stack, *cells])
    return table.render([*telling, "stack", *workloads], lines, "csv")


def _heading(members: list[Row], series: str) -> str:
    row = members[0]
    return (
        f"{row.fact('suite')} on {row.fact('guest')}: {', '.join(schema.heading(row.facts))}\n"
        f"{series} time of one burst, {_times_are(row)} ({_boots(members)})"
    )


def _times_are(row: Row) -> str:
    if row.kind == "modelled":
        return f"modelled by cost profile {row.fact('costs')}, not measured"
    if row.kind == "published":
        return "as published"
    where = f"{row.fact('delivery')} at {row.fact('site')}"
    return f"measured by {where}, clock {row.fact('clock')}"


def _boots(members: list[Row]) -> str:
    most = max(len(row.boots_s) for row in members)
    if members[0].kind == "published":
        return "single run"
    return "median of 1 boot" if most == 1 else f"median of {most} boots"


def _cell(members: list[Row], stack: str, workload: str, series: str) -> Row | None:
    wanted = (stack, workload, series)
    facts = ((r.fact("stack"), r.fact("workload"), r.fact("series"), r) for r in members)
    return next((row for *found, row in facts if tuple(found) == wanted), None)


def _any_series(members: list[Row], stack: str, workload: str) -> Row | None:
    names = ordered(members, "series")
    cells = (_cell(members, stack, workload, name) for name in names)
    return next((cell for cell in cells if cell), None)


def _time(
    members: list[Row],
    stack: str,
    workload: str,
    series: str,
    shown: Callable[[float], str] = table.seconds,
) -> str:
    if cell := _cell(members, stack, workload, series):
        return shown(cell.value_s)
    other = _any_series(members, stack, workload)
    if other and other.fact("lost"):
        return f"loses {other.fact('lost')} of {other.fact('targets')}"
    return "-"


def _targets(members: list[Row], workload: str) -> int:
    row = next(row for row in members if row.fact("workload") == workload)
    return int(row.fact("targets") or 0)


def _counts(members: list[Row], stack: str, workload: str) -> str:
    row = _any_series(members, stack, workload)
    if row is None or row.fact("icr_writes") is None:
        return "-"
    named = (("w", row.fact("icr_writes")), ("h", row.fact("hypercalls")))
    return " ".join(f"{count:g}{letter}" for letter, count in named if count) or "0"


def not_run(entries: journal.Entries) -> Iterator[str]:
    """Cases without samples, by reason."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    refused = [{entry["case"]: entry} for entry in entries if "case" in entry]
    booted = [boot.get("cases", {}) for boot in journal.boots_of(entries).values()]
    for ended in (*refused, *booted):
        for name, outcome in ended.items():
            if outcome["outcome"] != "ok":
                key = (outcome["outcome"], outcome["reason"])
                reasons.setdefault(key, {})[name] = None
    yield from _incomplete(entries)
    for (outcome, reason), cases in reasons.items():
        first, *others = cases
        more = f" and {len(others)} more case{'s' * (len(others) > 1)}" if others else ""
        yield f"{outcome}: {first}{more}: {reason}"


def _incomplete(entries: journal.Entries) -> Iterator[str]:
    """What a run that ended early lacks."""
    planned = journal.plan_of(entries).get("boots", 0)
    done = len(journal.boots_of(entries))
    if done < planned:
        end = next((e for e in reversed(entries) if "end" in e), {})
        why = f"ended by signal {end['signal']}" if end.get("signal") else "did not end"
        yield f"incomplete: {done} of {planned} boots, the run {why}; --resume continues it"


def as_json(suite: pyperf.BenchmarkSuite, entries: journal.Entries) -> dict[str, Any]:
    """The same for scripts: every series with its facts, and the journal's reasons."""
    return {
        "series": [
            {
                "name": row.name,
                "value_s": row.value_s,
                "boots": len(row.boots_s),
                **row.facts,
            }
            for row in rows(suite)
        ],
        "not_run": list(not_run(entries)),
    }
