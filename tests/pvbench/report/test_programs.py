"""Rates of programs, and those in which PV IPIs were never used."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.report import programs
from pvbench.report.grid import Grid, shows_counts
from pvbench.results.rows import Row


def row(sender: str, workload: str, **facts: Any) -> Row:
    """A run of half a second."""
    known: dict[str, Any] = {
        "series": "wall",
        "program": "yes",
        "sender": sender,
        "stack": f"{sender}/x2apic-physical",
        "workload": workload,
        "hypercalls": 0,
    }
    return Row(name=f"{sender} {workload} wall", facts=known | facts, boots_s=(0.5,))


def test_a_rate_is_operations_by_wall_time() -> None:
    """It has three digits below a thousand; without operations there is none."""
    members = [
        row("kvm-pv", "futex:9", operations=5_000),
        row("kvm-pv", "pipe:9", operations=9),
        row("kvm-pv", "odd"),
    ]
    (table,) = programs.rates(Grid.of(members, "wall"))

    assert [cell.text for cell in table.rows[0][1:]] == ["10000", "18", "-"]


def test_programs_without_hypercalls_are_named_for_senders_that_could() -> None:
    """A native sender never uses them."""
    members = [
        row("kvm-pv", "futex:9"),
        row("kvm-pv", "pipe:9"),
        row("kvm-pv", "membarrier:3:9", hypercalls=9),
        row("native", "futex:9"),
    ]

    assert list(programs.unused(members)) == [
        "PV IPI was never used: kvm-pv/x2apic-physical made no hypercall that sends IPIs in "
        "futex:9, pipe:9."
    ]


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"hypercalls": 9, "icr_writes": None}, "?w 9h"),
        ({"hypercalls": 0, "icr_writes": 3}, "3w"),
        ({"hypercalls": 0, "icr_writes": 0}, "0"),
        ({"hypercalls": None, "icr_writes": None}, "-"),
    ],
)
def test_unknown_icr_writes_hide_no_hypercalls(facts: dict[str, Any], text: str) -> None:
    """AVIC and IPI virtualization hide ICR writes only."""
    members = [row("kvm-pv", "futex:9", **facts)]
    grid = Grid.of(members, "wall")

    assert grid.counts(grid.lines[0], "futex:9").text == text
    assert shows_counts(members[0]) == (text != "-")
