"""The line of `pvbench ab` that would decide about files that were not interleaved."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from pvbench.cli import main
from pvbench.cli.parsers import parse
from pvbench.compare.ab_line import deciding_line
from pvbench.compare.comparison import Question, compare
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
TSC = {"clock": "tsc", "delivery": "kvm", "costs": "measured"}


def measured(stack: str = PHYSICAL, **facts: Any) -> Row:
    """Eight boots on a noisy clock."""
    return row_of("broadcast", stack, *8 * [1e-6], **TSC | facts)


def line(old: list[Row], new: list[Row] | None = None, by: str | None = None) -> str:
    """The line about two files, or about the sides of one."""
    files = {"old": old} if new is None else {"old": old, "new": new}
    return deciding_line(compare(files, Question(by=by)).pairs, by)


@pytest.mark.parametrize(
    ("old", "new", "sides"),
    [
        pytest.param({}, {}, '--a "OPTIONS" --b "OPTIONS"', id="nothing-is-known"),
        pytest.param(
            {"tox_env": "bench-a"},
            {"tox_env": "bench-b"},
            "--env bench-a --env bench-b",
            id="tox-environments",
        ),
        pytest.param({"git": "1"}, {"git": "2"}, "--python PYTHON --python PYTHON", id="git"),
        pytest.param(
            {"sender_plugin": "acme 1"},
            {"sender_plugin": "acme 2"},
            "--python PYTHON --python PYTHON",
            id="plugin",
        ),
    ],
)
def test_files_are_told_apart_by_what_made_them(
    old: dict[str, str], new: dict[str, str], sides: str
) -> None:
    """Capitals stand for what the files do not say."""
    printed = line([measured(**old)], [measured(**new)])

    assert printed == f"pvbench ab norov --delivery kvm {sides}"


@pytest.mark.parametrize(
    ("axis", "other", "sides"),
    [
        pytest.param(
            "sender",
            measured(PV),
            '--a "--sender native --driver x2apic-physical" '
            '--b "--sender kvm-pv --driver x2apic-physical"',
            id="sender",
        ),
        pytest.param(
            "guest",
            measured(guest="dense:8", apic_ids="0-7", vcpus=8, host_cpus=8),
            '--a "--guest dense:80" --b "--guest dense:8"',
            id="guest",
        ),
        pytest.param(
            "shorthands",
            measured(shorthands="yes"),
            '--a "--no-shorthands" --b "--shorthands"',
            id="shorthands",
        ),
    ],
)
def test_sides_of_an_axis_are_options(axis: str, other: Row, sides: str) -> None:
    """The command accepts them."""
    printed = line([measured(), other], by=axis)

    assert printed == f"pvbench ab norov --delivery kvm {sides}"
    parser, parsers = main._parser("ab")
    assert parse(parser, parsers["ab"], shlex.split(printed)[1:]).suite == "norov"


def test_no_line_is_needed_where_nothing_can_be_decided_better() -> None:
    """An exact clock decides, and so do pairs of boots."""
    exact = row_of("broadcast", PHYSICAL, 1e-6)

    assert line([exact], [exact]) == ""


def test_a_site_that_is_not_the_usual_one_is_an_option() -> None:
    """Boots there tell nothing about boots here."""
    rows = [measured(site="lab")]

    assert line(rows, rows).startswith("pvbench ab norov --delivery kvm --site lab --a")
