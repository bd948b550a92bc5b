"""`--csv`, the short form of `--format csv`: one table that a script can read."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from support.require import ONE_BY_ONE
from support.runs import Cli

pytestmark = pytest.mark.xdist_group(ONE_BY_ONE)  # `doctor` tries what works on real KVM

PLAN = ("run", "norov", "--dry-run", "--vcpus", "1,2", "--sender", "native", "-k", "normal")


@pytest.mark.parametrize(
    ("command", "headers"),
    [
        pytest.param(("show", "{file}"), "stack,broadcast,broadcast-lock", id="show"),
        pytest.param(
            ("compare", "{file}", "--by", "sender"),
            "workload,baseline,side,guest,before,after,speed ratio,time reduction,verdict,"
            "counts,exits,wake-ups,assumed",
            id="compare",
        ),
        pytest.param(("list", "senders"), "name,summary,kind,overrides", id="list-senders"),
        pytest.param(("list", "workloads"), "name,summary", id="list-workloads"),
        pytest.param(("list", "deliveries"), "name,summary,cost profiles", id="list"),
        pytest.param(("list", "suites"), "name,summary,version", id="list-suites"),
        pytest.param(("list", "sites"), "name,summary,usable", id="list-sites"),
        pytest.param(("plugins",), "plugin,distribution,version,state,offers", id="plugins"),
        pytest.param(("doctor",), "what,value", id="doctor"),
        pytest.param(PLAN, "case,outcome,reason", id="plan"),
        pytest.param(
            ("run", "norov", "--fast", "-q", "-k", "dry-run", "-o", "b.json", "--vcpus", "2"),
            "stack,dry-run",
            id="run",
        ),
    ],
)
def test_a_table_for_scripts_is_a_table_and_nothing_else(
    cli: Cli, native_file: Path, command: tuple[str, ...], headers: str
) -> None:
    """Every row has the cells its headers promise; the long form says the same."""
    arguments = [word.format(file=native_file) for word in command]
    short_option = cli(*arguments, "--csv")
    Path("b.json").unlink(missing_ok=True)
    long_option = cli(*arguments, "--format", "csv")
    first, *rows = list(csv.reader(io.StringIO(short_option.out)))

    assert (short_option.status, short_option.out) == (long_option.status, long_option.out)
    assert short_option.out.splitlines()[0] == headers
    assert rows
    assert {len(row) for row in rows} == {len(first)}


def test_a_plan_prints_its_reasons(cli: Cli) -> None:
    """JSON, CSV and plain text have the same cases and the same exit status."""
    rows = list(csv.DictReader(io.StringIO(cli(*PLAN, "--csv").out)))
    outcomes = {(row["outcome"], row["reason"]) for row in rows}

    assert outcomes == {("planned", ""), ("unsupported", "normal-ipi needs 2 CPUs")}


@pytest.mark.parametrize("form", ["--csv", "--json", "--format=markdown", "--format=plain"])
def test_a_plan_with_nothing_to_run_ends_with_3_in_every_form(cli: Cli, form: str) -> None:
    """The output format does not change the exit status."""
    assert cli(*PLAN, "--vcpus", "1", form).status == 3


def test_crossovers_are_not_part_of_csv(cli: Cli) -> None:
    """It is a sentence."""
    workloads = ("--workload", "fanout:1,fanout:2", "--sender", "native", "--vcpus", "4")
    cli("run", "norov", "--fast", "-q", "-o", "a.json", *workloads)
    plain = cli("compare", "a.json", "--by", "sender")
    output = cli("compare", "a.json", "--by", "sender", "--csv")

    assert "fanout packed on dense:4" in plain.out
    assert "fanout packed on dense:4" not in output.out + output.err
