"""The document of a run about lost IPIs: a matrix of senders by the layout of the guest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import pyperf

from pvbench.document import (
    Block,
    Cell,
    Column,
    Document,
    Heading,
    Notes,
    Paragraph,
    Role,
    Table,
)
from pvbench.report import outcomes
from pvbench.report.summary import not_run, series_table
from pvbench.results import journal, schema
from pvbench.results.fact import FactRole
from pvbench.results.rows import Row, rows
from pvbench.suite import LOSSES

_OK: Final = "ok"
_ABSENT: Final = "-"
_CONTEXT: Final = ("workload", "target_state")
_MORE: Final = "`pvbench show FILE --series wall` prints the times and counts of this run."
_GUEST: Final = schema.free("guest")
# The axes of the senders and the layouts, and those that losses do not depend on.
_MERGED: Final = tuple(
    name for by in ("sender", "guest", "costs", "sweep") for name in schema.free(by)
)
Outcomes = dict[str, str]  # by layout


def is_answer(suite: pyperf.BenchmarkSuite) -> bool:
    """Whether a run answers which IPIs are lost, and in more than one guest."""
    facts = [schema.from_metadata(one.get_metadata()) for one in suite]
    guests = {tuple(one.get(name) for name in _GUEST) for one in facts}
    return len(guests) > 1 and all(one.get("answer") == LOSSES for one in facts)


def document(suite: pyperf.BenchmarkSuite, entries: journal.Entries) -> Document:
    """A matrix for each workload and state of the targets, and what did not run."""
    all_rows = rows(suite)
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in all_rows:
        groups.setdefault(row.key((*_MERGED, "series")), []).append(row)
    sentences = (schema.sentences(row.facts) for row in all_rows)
    return Document(
        [
            series_table(all_rows),
            *(block for members in groups.values() for block in _group(members)),
            Notes(lines=tuple(dict.fromkeys(chain.from_iterable(sentences)))),
            Notes(lines=tuple(not_run(entries)), name="not_run"),
            Notes(lines=(_MORE,), in_json=False),
            outcomes.of_run(all_rows, entries),
        ]
    )


def _group(members: Sequence[Row]) -> Iterator[Block]:
    row = members[0]
    layouts = {schema.side("guest", one.facts): one for one in members}
    conditions = [name for name in schema.names(FactRole.CONDITION) if name not in _MERGED]
    words = ", ".join([str(row.fact("workload")), *schema.phrases(row.facts, conditions)])
    yield Heading(f"{row.fact('suite')}: lost IPIs of {words}")
    yield Paragraph(f"IPIs that a sender loses of one burst, {_origin(row)}")
    yield _matrix(members, list(layouts))
    lines = (f"{n}: {name}, {_ids(one)}" for n, (name, one) in enumerate(layouts.items(), 1))
    yield Notes(title="Layouts:", lines=tuple(lines), in_json=False)


def _origin(row: Row) -> str:
    if row.kind == "modelled":
        return "computed by the model, not measured"
    return f"counted by {row.fact('delivery')} at {row.fact('site')}"


def _ids(row: Row) -> str:
    return ", ".join(schema.phrases(row.facts, ("vcpus", "apic_ids")))


def _matrix(members: Sequence[Row], layouts: Sequence[str]) -> Table:
    """A row for each sender; a layout has a number for people and its name for programs."""
    columns = [Column("sender", "sender")]
    for number, layout in enumerate(layouts, 1):
        columns.append(Column(layout, str(number), Role.PROSE, csv=layout))
    context = ((Column(name, name), Cell(members[0].fact(name))) for name in _CONTEXT)
    return Table(
        name="losses",
        columns=tuple(columns),
        rows=tuple(
            (Cell(sender), *(Cell(outcomes.get(layout, _ABSENT)) for layout in layouts))
            for sender, outcomes in _by_sender(members).items()
        ),
        context=tuple(context),
        is_matrix=True,
    )


def _by_sender(members: Sequence[Row]) -> dict[str, Outcomes]:
    """The outcomes of each sender; an overlay with equal ones over all drivers is one row."""
    stacks: dict[str, dict[str, Outcomes]] = {}
    for row in members:
        overlay = row.fact("sender") if "/" in row.fact("stack") else row.fact("stack")
        outcomes = stacks.setdefault(overlay, {}).setdefault(row.fact("stack"), {})
        outcomes[schema.side("guest", row.facts)] = _outcome(row)
    lines: dict[str, Outcomes] = {}
    for sender, by_stack in stacks.items():
        same = all(one == next(iter(by_stack.values())) for one in by_stack.values())
        lines |= {sender: next(iter(by_stack.values()))} if same else by_stack
    return lines


def _outcome(row: Row) -> str:
    return f"loses {row.fact('lost')}" if row.fact("lost") else _OK
