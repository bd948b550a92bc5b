"""The cost profiles that the bundled suites are about."""

from __future__ import annotations

import json

import pytest

from pvbench_deliver_model.cost_file import bundled as cost_profiles
from support.helpers import bundled
from support.runs import Cli


def test_norov_is_about_2018_and_the_others_about_a_host_with_the_fast_path() -> None:
    """The table that norov is compared with is of 2018."""
    suites = bundled().table("suite").values()
    costs = {suite.name: suite.costs for suite in suites if suite.delivery == "model"}

    assert costs.pop("norov") == "skylake-2018"
    assert set(costs.values()) == {"skylake-fastpath"}
    assert {"skylake-2018", "skylake-fastpath"} <= set(cost_profiles())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param((), "skylake-fastpath", id="of-the-suite"),
        pytest.param(("--costs", "skylake-2018"), "skylake-2018", id="of-the-user"),
    ],
)
def test_a_run_has_the_costs_of_its_suite_unless_the_user_names_some(
    cli: Cli, options: tuple[str, ...], expected: str
) -> None:
    """They are a fact of each result."""
    choice = ("--workload", "normal-ipi", "--sender", "native", "--driver", "x2apic-physical")
    output = cli("run", "smoke", "--fast", "-q", "--json", "-o", "a.json", *choice, *options)

    assert {row["costs"] for row in json.loads(output.out)["series"]} == {expected}
