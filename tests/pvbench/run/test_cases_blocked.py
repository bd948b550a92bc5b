"""Faulty workloads block only their own cases, and only if these are selected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from pvbench.results.rows import rows
from support.runs import AddPlugin, Cli, Output, journal_of

# A workload for each way of going wrong, a family of numbers, and one that works.
LOADS = """
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

def call(*targets, source=0):
    return Burst(source=source, operation="smp_call_function_many", targets=targets)

def to_first(guest, targets):
    if targets >= len(guest.apic_ids):
        return f"reach:{targets} needs {targets + 1} CPUs"
    return (call(*range(1, targets + 1)),)

def raising(guest):
    raise LookupError("no such thing")

WRONG = {
    "empty-reason": lambda guest: "",
    "nothing": lambda guest: None,
    "number": lambda guest: 3,
    "no-bursts": lambda guest: ("send",),
    "outside": lambda guest: (call(99),),
    "source-outside": lambda guest: (call(1, source=99),),
    "twice": lambda guest: (call(1), call(2)),
    "raising": raising,
}

@hookimpl
def pvbench_workloads():
    wrong = [Workload(name=name, summary="x", bursts=of) for name, of in WRONG.items()]
    reach = Workload(name="reach", summary="x", bursts=to_first, parameters={"targets": 1})
    lists = Workload(name="a-list", summary="x", bursts=lambda guest: [call(1)])
    return [*wrong, reach, lists]
"""
REASONS = {
    "empty-reason": "ValueError: bursts() returns an empty reason",
    "nothing": "TypeError: 'NoneType' object is not iterable",
    "number": "TypeError: 'int' object is not iterable",
    "no-bursts": "ValueError: it gives 'send', which is not a Burst",
    "outside": "ValueError: it names CPU 99 in a guest of 4 CPUs",
    "source-outside": "ValueError: it names CPU 99 in a guest of 4 CPUs",
    "twice": "ValueError: it has two bursts from CPU 0",
    "raising": "LookupError: no such thing",
}
WHERE = ("--sender", "native", "--driver", "x2apic-physical", "--vcpus", "4", "-p", "loads")


@pytest.fixture(autouse=True)
def loads(add_plugin: AddPlugin) -> None:
    """Load the plugin with the faulty workloads."""
    add_plugin("loads", LOADS)


def run(cli: Cli, workloads: str, *options: str) -> Output:
    """A short run of them."""
    return cli("run", "norov", "--fast", "-q", *WHERE, "--workload", workloads, *options)


def planned(output: Output) -> list[tuple[str, str]]:
    """(workload, outcome) of a plan in JSON."""
    cases = json.loads(output.out)["cases"]
    return [(c["case"].removeprefix("norov.").split()[0], c["outcome"]) for c in cases]


@pytest.mark.parametrize("name", REASONS)
def test_a_faulty_workload_is_blocked_and_the_others_run(cli: Cli, name: str) -> None:
    """The exit status is 5, and the reason has the type of the exception."""
    output = run(cli, f"{name},self-ipi", "-o", "a.json")
    (case,) = [entry for entry in journal_of(Path("a.json")) if "case" in entry]
    names = {row.fact("workload") for row in rows(result_files.read("a.json"))}

    assert (output.status, names, case["outcome"]) == (5, {"self-ipi"}, "blocked")
    assert case["reason"] == f"workload {name} raises {REASONS[name]}"
    assert f"blocked: {case['case']}: {case['reason']}" in output.out


def test_a_workload_may_return_a_list_of_bursts(cli: Cli) -> None:
    """The list becomes a tuple."""
    assert run(cli, "a-list", "-o", "a.json").status == 0


def test_a_dry_run_names_the_blocked_cases(cli: Cli) -> None:
    """``--dry-run`` writes no file; its status is 0 because other cases would run."""
    output = run(cli, "twice,self-ipi", "--dry-run", "--json")

    assert planned(output) == [("twice", "blocked"), ("self-ipi", "planned")]
    assert (output.status, list(Path().iterdir())) == (0, [])


def test_a_plan_of_only_blocked_cases_measures_nothing(cli: Cli) -> None:
    """The exit status is 3, as for any plan without a boot."""
    assert run(cli, "twice,raising", "--dry-run").status == 3


def test_a_blocked_case_that_is_not_selected_is_not_named(cli: Cli) -> None:
    """``-k`` selects by name before any check."""
    plan = run(cli, "twice,self-ipi", "--dry-run", "--json", "-k", "self")
    output = run(cli, "twice,self-ipi", "-k", "self", "-o", "a.json")

    assert planned(plan) == [("self-ipi", "planned")]
    assert (output.status, "blocked" in output.out) == (0, False)


@pytest.mark.parametrize(
    ("missing", "options", "status"),
    [
        pytest.param("no:load-norov", ("--workload", "reach"), 0, id="other-workloads"),
        pytest.param("no:load-norov", (), 5, id="the-suite-s-workloads"),
        pytest.param(
            "no:send-x2apic-cluster", ("--driver", "x2apic-physical"), 0, id="other-drivers"
        ),
        pytest.param("no:send-x2apic-cluster", (), 5, id="the-suite-s-drivers"),
    ],
)
def test_a_missing_name_that_the_user_replaces_blocks_nothing(
    cli: Cli, missing: str, options: tuple[str, ...], status: int
) -> None:
    """Names of the suite matter only if the user keeps them."""
    choice = ("--sender", "native", "--vcpus", "2", "-p", "loads", "-p", missing)
    output = cli("run", "norov", "--fast", "-q", *choice, *options, "-o", "a.json")

    assert (output.status, "blocked: norov " in output.out + output.err) == (
        status,
        status == 5,
    )


@pytest.mark.parametrize(
    "workloads",
    [
        pytest.param("reach:2,reach:2", id="same"),
        pytest.param("reach:2,reach:002", id="zeros"),
        pytest.param("reach:2,self-ipi,reach:2", id="apart"),
    ],
)
def test_a_workload_named_twice_runs_once(cli: Cli, workloads: str) -> None:
    """Two spellings with the same spec are one workload."""
    names = [name for name, _ in planned(run(cli, workloads, "--dry-run", "--json"))]

    assert names.count("reach:2") == 1


def test_omitted_defaults_are_the_same_workload(cli: Cli) -> None:
    """``fanout:2`` is ``fanout:2:packed``."""
    output = run(cli, "fanout:2,fanout:2:packed,fanout:2:spread", "--dry-run", "--json")

    assert [name for name, _ in planned(output)] == ["fanout:2:packed", "fanout:2:spread"]


def test_a_family_with_one_parameter_runs_and_compares(cli: Cli) -> None:
    """It is run, shown and compared with its crossovers, without any variant."""
    choice = ("--driver", "x2apic-physical,x2apic-cluster", "-o", "a.json")
    output = run(cli, "reach:1,reach:2,reach:3,reach:9,reach", *choice)
    result = rows(result_files.read("a.json"))
    table = cli("show", "a.json", "--csv")
    compared = cli("compare", "a.json", "--by", "sender")

    assert (output.status, table.status, compared.status) == (0, 0, 0)
    assert {(r.fact("family"), r.fact("parameter")) for r in result} == {("reach", "targets")}
    assert {r.fact("parameter_value") for r in result} == {1, 2, 3}
    assert [r for r in result if "variant" in r.facts] == []
    assert table.out.splitlines()[0] == "stack,reach:1,reach:2,reach:3"
    assert "unsupported: norov.reach:9 x2apic-physical" in output.out
    assert "\nreach on dense:4, wall, against x2apic-physical, by targets:\n" in compared.out
