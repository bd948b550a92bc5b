"""The plan of a run as people read it; programs get a row for each case."""

from __future__ import annotations

import json

import pytest

from support.runs import Cli

PLAN = ("run", "norov", "--dry-run")


def plan(cli: Cli, *options: str) -> list[str]:
    """The blocks that are printed."""
    return cli(*PLAN, *options).out.rstrip("\n").split("\n\n")


def test_the_parts_that_all_cases_share_are_in_the_heading(cli: Cli) -> None:
    """The others have a line each, whatever their number."""
    blocks = plan(cli, "-k", "broadcast", "--sender", "native", "--vcpus", "2,4")

    assert blocks == [
        "norov: targets halted, linux 4.19, delivery model, site local, costs skylake-2018",
        "- workload broadcast, broadcast-lock\n"
        "- stack x2apic-physical, x2apic-cluster\n"
        "- guest dense:2, dense:4",
        "planned, 8 cases",
        "8 cases, 2 boots",
    ]


def test_cases_with_another_outcome_are_listed_by_what_tells_them_apart(cli: Cli) -> None:
    """A part that has all its values is not repeated."""
    blocks = plan(cli, "--vcpus", "1,2", "--sender", "native", "-k", "normal or dry")

    assert blocks[2:] == [
        "unsupported, 2 cases: normal-ipi needs 2 CPUs",
        "- workload normal-ipi\n- guest dense:1",
        "planned, 2 cases",
        "- workload dry-run\n- guest dense:1",
        "planned, 4 cases",
        "- guest dense:2",
        "8 cases, 2 boots",
    ]


def test_one_case_is_a_heading_and_its_outcome(cli: Cli) -> None:
    """Nothing varies."""
    blocks = plan(cli, "--vcpus", "2", "--sender", "x2apic-cluster", "-k", "normal")

    assert blocks == [
        "norov: workload normal-ipi, stack x2apic-cluster, guest dense:2, targets "
        "halted, linux 4.19, delivery model, site local, costs skylake-2018",
        "planned, 1 case",
        "1 case, 1 boot",
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        pytest.param(
            ("--sweep", "costs.icr_write=1000,2000"),
            "- sweep costs.icr_write=1000, costs.icr_write=2000",
            id="a-sweep",
        ),
        pytest.param(
            ("--guest", "dense:2", "--guest", "dense:4", "--host-cpus", "2"),
            "- guest dense:2, dense:4",
            id="guests-on-host-cpus",
        ),
    ],
)
def test_every_part_that_varies_has_a_line(
    cli: Cli, options: tuple[str, ...], line: str
) -> None:
    """So a reader of the plan sees how the cases differ."""
    blocks = plan(cli, "--sender", "x2apic-cluster", "-k", "normal", *options)

    assert line in blocks[1].splitlines()


def test_the_word_size_is_named_where_it_is_unusual(cli: Cli) -> None:
    """The name of a case has it then too."""
    sizes = [plan(cli, "--bits", bits, "--sender", "native")[0] for bits in ("32", "64")]

    assert ["word size 32" in heading for heading in sizes] == [True, False]


def test_a_long_list_of_values_is_cut_for_people_only(cli: Cli) -> None:
    """JSON and CSV have a row for each case."""
    options = (
        "--sender",
        "x2apic-cluster",
        "-k",
        "normal",
        "--sweep",
        "costs.icr_write=1:60:1",
    )
    text, output = " ".join(plan(cli, *options)), cli(*PLAN, *options, "--json")

    assert "costs.icr_write=40 and 20 more planned, 60 cases" in " ".join(text.split())
    assert len(json.loads(output.out)["cases"]) == 60


def test_a_name_that_no_plugin_offers_is_blocked_with_its_reason(cli: Cli) -> None:
    """It has no parts that could be listed."""
    blocks = plan(cli, "-p", "no:load-norov")

    assert blocks[0] == "blocked, 1 case: no plugin offers workload dry-run"
    assert blocks[-1] == "5 cases, 0 boots"
