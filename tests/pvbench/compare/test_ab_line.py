"""The command of `pvbench ab` that would decide about files that were not interleaved."""

from __future__ import annotations

import shlex
from typing import Any

import attrs
import pytest

from pvbench.cli import main
from pvbench.cli.parsers import parse
from pvbench.compare.ab_line import Command, deciding_command
from pvbench.compare.comparison import compare
from pvbench.compare.question import Question
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
TSC = {"clock": "tsc", "delivery": "kvm", "costs": "measured"}
COMMON = "pvbench ab norov --delivery kvm"
ONE = "--workload broadcast --sender native --driver x2apic-physical --targets halted"
GUEST = "--guest dense:80"
UNKNOWN = "Add what differs between the runs with --a and --b: the files do not say it."


def measured(stack: str = PHYSICAL, workload: str = "broadcast", **facts: Any) -> Row:
    """Eight boots on a noisy clock."""
    return row_of(workload, stack, *8 * [1e-6], **TSC | facts)


def command(old: list[Row], new: list[Row] | None = None, by: str | None = None) -> Command:
    """The command for two files, or for the sides of one."""
    files = {"old": old} if new is None else {"old": old, "new": new}
    result = deciding_command(compare(files, Question(by=by)).pairs, by)
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        pytest.param({}, {}, UNKNOWN, id="nothing-is-known"),
        pytest.param(
            {"git": "1"},
            {"git": "2"},
            "Add --python PYTHON for each run: their software differs (git).",
            id="git",
        ),
        pytest.param(
            {"sender_plugin": "acme 1"},
            {"sender_plugin": "acme 2"},
            "Add --python PYTHON for each run: their software differs (sender plugin).",
            id="plugin",
        ),
    ],
)
def test_a_sentence_says_what_the_files_do_not_say(
    old: dict[str, str], new: dict[str, str], lacks: str
) -> None:
    """The command itself has no placeholder and can be copied."""
    shown = command([measured(**old)], [measured(**new)])

    assert shown.text == f"{COMMON} --linux 4.19 {ONE} {GUEST}"
    assert shown.lacks == (lacks,)


def test_tox_environments_are_sides() -> None:
    """Their names are in the files, so nothing is lacking."""
    shown = command([measured(tox_env="bench-a")], [measured(tox_env="bench b")])

    assert shown.text.endswith(f"{GUEST} --env bench-a --env 'bench b'")
    assert shown.lacks == ()


@pytest.mark.parametrize(
    ("axis", "other", "sides"),
    [
        pytest.param(
            "sender",
            measured(PV),
            "--linux 4.19 --workload broadcast --targets halted --guest dense:80 "
            "--a '--sender native --driver x2apic-physical' "
            "--b '--sender kvm-pv --driver x2apic-physical'",
            id="sender",
        ),
        pytest.param(
            "guest",
            measured(guest="dense:8", apic_ids="0-7", vcpus=8, host_cpus=8),
            f"--linux 4.19 {ONE} --a '--guest dense:80' --b '--guest dense:8'",
            id="guest",
        ),
        pytest.param(
            "linux",
            measured(linux="6.12"),
            f"{ONE} --guest dense:80 --a '--linux 4.19' --b '--linux 6.12'",
            id="linux",
        ),
    ],
)
def test_sides_of_an_axis_are_options(axis: str, other: Row, sides: str) -> None:
    """The command accepts them."""
    shown = command([measured(), other], by=axis)

    assert (shown.text, shown.lacks) == (f"{COMMON} {sides}", ())
    parser, parsers = main._parser("ab")
    assert parse(parser, parsers["ab"], shlex.split(shown.text)[1:]).suite == "norov"


def test_sides_without_options_are_named_by_the_user() -> None:
    """There is no option for measured costs."""
    other = measured(costs="other")

    assert command([measured(), other], by="costs").lacks == (UNKNOWN,)


def test_all_cases_that_one_command_can_measure_are_in_it() -> None:
    """Another word size takes another command, and more than ten boots are asked for."""
    rows = [
        measured(),
        measured(PV, "self-ipi", guest="dense:8", apic_ids="0-7", vcpus=8, host_cpus=8),
        measured(guest_bits=32),
    ]
    many = [attrs.evolve(row, boots_s=row.boots_s + row.boots_s) for row in rows]

    assert command(rows, rows).text == (
        f"{COMMON} --linux 4.19 --workload broadcast,self-ipi --sender native,kvm-pv "
        "--driver x2apic-physical --targets halted --guest dense:80 --guest dense:8"
    )
    assert command(many, many).text.endswith("--guest dense:8 --boots 16")


@pytest.mark.parametrize(("workloads", "is_listed"), [(20, True), (21, False)])
def test_many_workloads_are_those_of_the_suite(workloads: int, *, is_listed: bool) -> None:
    """Two thousand names would fill the screen."""
    rows = [measured(workload=f"fanout:{number}") for number in range(workloads)]

    assert ("--workload fanout:0,fanout:1," in command(rows, rows).text) is is_listed
    assert ("--workload" in command(rows, rows).text) is is_listed


def test_a_plugin_that_was_loaded_from_a_file_is_mentioned() -> None:
    """No file says where it was."""
    row = measured(delivery_plugin="- -")

    assert command([row], [row]).lacks == (
        UNKNOWN,
        "Add -p for the plugins that the runs loaded from files.",
    )


def test_no_command_is_needed_where_nothing_can_be_decided_better() -> None:
    """An exact clock decides, and so do pairs of boots."""
    exact = [row_of("broadcast", PHYSICAL, 1e-6)]
    pairs = compare({"old": exact, "new": exact}, Question()).pairs

    assert deciding_command(pairs, None) is None


def test_a_site_that_is_not_the_usual_one_is_an_option() -> None:
    """Boots there tell nothing about boots here."""
    rows = [measured(site="lab", execution="ops")]

    assert command(rows, rows).text.startswith(
        f"{COMMON} --site lab --linux 4.19 --execution ops --workload"
    )


def test_a_guest_with_a_short_name_is_given_by_its_form() -> None:
    """The name of a long list or of a file is no topology."""
    row = measured(guest="ids:80-cpus#e88b6bba", guest_form="ids:0-158/2")

    assert command([row], [row]).text.endswith(" --guest ids:0-158/2")
