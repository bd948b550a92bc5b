"""`pvbench run --sweep`: several cost profiles in one run, an axis of its cases."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from pvbench.results.files import read
from pvbench.results.rows import rows
from pvbench.run import cases
from support.runs import Cli

RUN = (
    *("run", "norov", "-q", "--fast", "--vcpus", "4", "--workload", "broadcast"),
    *("--sender", "kvm-pv,native", "--driver", "x2apic-physical"),
)
SWEEP = ("--sweep", "costs.icr_write=1000:3000:1000")
MINE = """\
base = "skylake-2018"
base_machine = "same"
title = "a machine of mine"
costs.icr_write = { value = 2000, unit = "cycles", confidence = "A", source = "timed" }
"""


@pytest.fixture
def swept(cli: Cli) -> Path:
    """Three cost profiles and two senders."""
    output = cli(*RUN, *SWEEP, "-o", "a.json")
    assert output.status == 0, output.err
    return Path("a.json")


def test_each_value_gives_the_times_of_a_cost_profile_with_it(cli: Cli, swept: Path) -> None:
    """A file that has the second value gives exactly the times of the second value."""
    Path("mine.toml").write_text(MINE)
    assert cli(*RUN, "--costs", "mine.toml", "-o", "b.json").status == 0

    def times(path: str, sweep: str | None) -> dict[object, tuple[float, ...]]:
        return {
            (row.fact("stack"), row.fact("series")): row.boots_s
            for row in rows(read(path))
            if row.fact("sweep") == sweep
        }

    assert times("a.json", "costs.icr_write=2000") == times("b.json", None)
    assert {row.fact("costs") for row in rows(read("a.json"))} == {"skylake-2018"}


def test_the_table_has_a_column_for_the_cost_and_a_line_for_each_value(
    cli: Cli, swept: Path
) -> None:
    """A hypercall does not depend on the cost of an ICR write."""
    table = list(csv.DictReader(io.StringIO(cli("show", str(swept), "--csv").out)))
    values = [(row["stack"].partition("/")[0], row["costs.icr_write"]) for row in table]
    times = {
        stack: [float(row["broadcast"]) for row in table if row["stack"].startswith(stack)]
        for stack in ("kvm-pv", "x2apic")
    }

    assert values == [
        (stack, value)
        for stack in ("kvm-pv", "x2apic-physical")
        for value in ("1000", "2000", "3000")
    ]
    assert len(set(times["kvm-pv"])) == 1
    assert sorted(set(times["x2apic"])) == times["x2apic"]
    printed = cli("show", str(swept)).out
    assert "costs.icr_write is set by the user (--sweep), in cycles." in printed


def pairs(output: str) -> list[tuple[str, str, str]]:
    """Stack, side and verdict of each pair."""
    listed = json.loads(output)["pairs"]
    return [(pair["stack"], pair["side"], pair["verdict"]) for pair in listed]


def test_the_values_are_compared_by_the_sweep(cli: Cli, swept: Path) -> None:
    """With the first value as the baseline."""
    output = cli("compare", str(swept), "--by", "sweep", "--json")

    assert pairs(output.out) == [
        ("x2apic-physical", "costs.icr_write=2000", "slower"),
        ("kvm-pv/x2apic-physical", "costs.icr_write=2000", "equal"),
        ("x2apic-physical", "costs.icr_write=3000", "slower"),
        ("kvm-pv/x2apic-physical", "costs.icr_write=3000", "equal"),
    ]


def test_senders_are_compared_at_each_value(cli: Cli, swept: Path) -> None:
    """A column says at which."""
    output = cli("compare", str(swept), "--by", "sender", "--csv")
    table = list(csv.DictReader(io.StringIO(output.out)))

    assert sorted(row["sweep"] for row in table) == [
        f"costs.icr_write={value}" for value in (1000, 2000, 3000)
    ]


def test_two_sweeps_are_compared_value_by_value(cli: Cli, swept: Path) -> None:
    """Files of one cost profile have pairs of equal values, others need --by costs."""
    assert cli(*RUN, *SWEEP, "-o", "b.json").status == 0
    assert cli(*RUN, *SWEEP, "-o", "c.json", "--costs", "skylake-fastpath").status == 0
    same = cli("compare", str(swept), "b.json", "--json")
    other = cli("compare", str(swept), "c.json")
    by_costs = cli("compare", str(swept), "c.json", "--by", "costs", "--json")

    assert [verdict for _, _, verdict in pairs(same.out)] == 6 * ["equal"]
    assert "results of different cost profiles are not ranked" in other.err
    assert [side for _, side, _ in pairs(by_costs.out)] == 6 * ["skylake-fastpath"]


def test_an_unknown_cost_is_refused_with_the_nearest_name(cli: Cli) -> None:
    """Before anything is run."""
    output = cli(*RUN, "--sweep", "costs.icr_writ=1", "-o", "a.json")

    assert (output.status, Path("a.json").exists()) == (2, False)
    assert "Did you mean 'costs.icr_write'?" in output.err


def test_no_run_is_continued_with_other_values(cli: Cli, swept: Path) -> None:
    """The cases differ in the value."""
    output = cli(*RUN, "--sweep", "costs.icr_write=5", "--resume", "-o", str(swept))

    assert output.status == 2
    assert "a.json holds another run" in output.err


def test_the_cases_of_all_values_count(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan has room for as many cases as without a sweep."""
    monkeypatch.setattr(cases, "_MOST_CASES", 5)
    output = cli(*RUN, *SWEEP, "-o", "a.json")

    assert output.status == 2
    assert "suite norov has more than 5 cases" in output.err


def test_a_delivery_that_measures_takes_no_sweep(cli: Cli) -> None:
    """It has no cost profile."""
    output = cli(*RUN, *SWEEP, "--delivery", "live", "--dry-run")

    assert output.status == 2
    assert "delivery live takes no --sweep: it has no cost profile. Leave it out." in output.err
