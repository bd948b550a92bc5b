"""Plots in a terminal: a family of workloads against its parameter."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.report.families import families
from pvbench.report.plot import plots
from pvbench.results.rows import Row
from support.charts import need_plots
from support.runs import row_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"


def member(stack: str, targets: int, time_s: float, **facts: Any) -> Row:
    """A member of the family fanout."""
    chosen = {"family": "fanout", "parameter": "targets", "parameter_value": targets}
    return row_of(f"fanout:{targets}", stack, time_s, **(chosen | facts))


ROWS = [
    member(stack, targets, time_s * targets)
    for stack, time_s in ((PHYSICAL, 1e-6), (PV, 0.4e-6))
    for targets in (1, 10, 100)
]


def drawn(rows: list[Row], width: int = 72) -> list[str]:
    """The lines of the plots of *rows*."""
    need_plots()
    return "\n\n".join(plots(rows, width)).splitlines()


def test_each_sender_has_a_mark_at_its_time() -> None:
    """The axes have the values of the parameter, and round times."""
    lines = drawn(ROWS)
    text = "\n".join(lines)

    assert lines[-2:] == [f"  o {PHYSICAL}", f"  x {PV}"]
    assert [sum(line.count(mark) for line in lines if "|" in line) for mark in "ox"] == [3, 3]
    assert [tick in text for tick in ("1.00 us", "10.0 us", "100 us")] == [True] * 3
    assert next(line for line in lines[::-1] if "10" in line).split() == ["1", "10", "100"]


def test_a_plot_says_how_the_times_are_known() -> None:
    """A drawing of a model looks like one of a measurement."""
    assert "Modelled, not measured." in " ".join(drawn(ROWS)[:3])


@pytest.mark.parametrize("width", [40, 72, 200])
def test_no_line_of_a_plot_is_too_wide(width: int) -> None:
    """Also with a long name, and in ASCII so that a mail can hold it."""
    rows = [*ROWS, member("n" * 300, 1, 1e-6), member("n" * 300, 2, 1e-6)]

    assert max(map(len, drawn(rows, width))) <= min(width, 100)
    assert "\n".join(drawn(rows, width)).isascii()


def test_hostile_names_move_no_cursor() -> None:
    """They come from files."""
    rows = [member("a\x1b[2Jb", targets, 1e-6) for targets in (1, 2)]

    assert "\x1b" not in "\n".join(drawn(rows))


def test_equal_times_are_a_plot() -> None:
    """Neither axis needs a difference."""
    assert any("o" in line for line in drawn([member(PHYSICAL, n, 3e-6) for n in (1, 2)]))


def test_more_families_than_fit_are_counted() -> None:
    """A screen holds a few."""
    rows = [
        member(PHYSICAL, targets, 1e-6, guest=f"dense:{number}")
        for number in range(2, 8)
        for targets in (1, 2)
    ]

    assert drawn(rows)[-1] == "2 more families are not drawn; -k chooses others."


def test_families_are_told_apart_by_all_but_the_sender() -> None:
    """A line through two guests or two states of the targets would mean nothing."""
    others = [member(PHYSICAL, targets, 1e-6, target_state="running") for targets in (1, 2)]
    groups = families([*ROWS, *others, member(PHYSICAL, 5, 1e-6, guest="dense:3")])

    assert [len(group) for group in groups] == [6, 2]
