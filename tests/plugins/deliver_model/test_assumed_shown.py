"""The assumed part of the bundled cost profiles, and how it is shown to the user."""

from __future__ import annotations

import csv
import io
import json

import pytest

from pvbench.ops import Burst
from pvbench.results import files as result_files
from pvbench.run.prepared import prepare
from pvbench.run.proof import differences
from pvbench_deliver_model.cost_file import bundled, read
from support.helpers import guest_of, total_ticks
from support.model import call, case_of, modelled
from support.runs import Cli

PAIRS = (
    Burst(source=s, operation="smp_call_function_single", targets=(s + 4,)) for s in range(4)
)
WORKLOADS = {
    "dry-run": (),
    "self": (call(0, 0),),
    "unicast": (call(0, 1),),
    "broadcast": (call(0, *range(1, 8)),),
    "broadcast-lock": (call(0, *range(1, 8), lock=True),),
    "pairs": tuple(PAIRS),
    "shootdown": tuple(call(s, *(c for c in range(6) if c != s)) for s in range(4)),
}


@pytest.mark.parametrize("state", ["running", "halted"])
@pytest.mark.parametrize("stack", ["x2apic-physical", "kvm-pv/x2apic-cluster", "xapic-flat"])
@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("name", bundled())
def test_invariants_hold_under_every_bundled_cost_profile(
    name: str, workload: str, stack: str, state: str
) -> None:
    """A slice is proved and repeatable, and nothing comes after the acknowledgement."""
    case = case_of(stack, guest_of(range(8)), *WORKLOADS[workload], state=state)
    cost_profile = read(name)
    results = [modelled(case, cost_profile, loops=4, warmup=3) for _ in range(2)]
    ticks, values = total_ticks(results[0]), results[0].assumed

    assert results[0] == results[1]
    assert differences(prepare(case), results[0]) == []
    assert all(0 <= part <= 1 for part in values.values())
    # where every step changes the counts of several sources, no part is stated
    assert sorted(values) == sorted(ticks) or (workload == "shootdown" and not values)
    if "ack" in ticks:
        assert max(ticks["send"], ticks["deliver"]) <= ticks["ack"] <= ticks["wall"]


@pytest.mark.parametrize(
    ("name", "least", "highest"),
    [
        pytest.param("tdx", 0.99, 1, id="all-of-tdx"),
        pytest.param("bare-metal", 0.7, 0.9, id="most-of-bare-metal"),
        pytest.param("skylake-2018", 0.05, 0.6, id="some-of-2018"),
    ],
)
def test_profiles_differ_in_how_much_is_assumed(
    name: str, least: float, highest: float
) -> None:
    """A broadcast to seven running targets."""
    case = case_of("x2apic-physical", guest_of(range(8)), *WORKLOADS["broadcast"])
    assumed = modelled(case, read(name), loops=2).assumed["wall"]

    assert least <= round(assumed, 3) <= highest


RUN = ("run", "norov", "--fast", "-q", "--sender", "native", "--vcpus", "4", "-o", "a.json")
SENTENCE = "Part of the time that rests on assumed costs (confidence C), by stack: "


def test_result_files_store_the_assumed_part_of_each_series(cli: Cli) -> None:
    """The cost profile takes the whole self-IPI from a publication."""
    cli(*RUN, "-k", "self-ipi", "--driver", "x2apic-physical")
    table = {
        b.get_metadata()["pvbench_series"]: b.get_metadata()["pvbench_assumed"]
        for b in result_files.read("a.json")
    }

    assert table == {"deliver": 0.0, "wall": 0.0}


def test_show_states_the_assumed_part_of_each_workload(cli: Cli) -> None:
    """All of it is assumed for TDX; there is one number where both drivers agree."""
    assert cli(*RUN, "--costs", "tdx").status == 0
    names = ("dry-run", "self-ipi", "normal-ipi", "broadcast", "broadcast-lock")

    assert (
        f"{SENTENCE}{', '.join(f'{name} 100 %' for name in names)}."
        in cli("show", "a.json").out.splitlines()
    )


def test_show_gives_a_range_if_stacks_differ(cli: Cli) -> None:
    """With fewer exits, the assumed costs have a larger share."""
    cli(*RUN, "-k", "*.broadcast")
    values = [line for line in cli("show", "a.json").out.splitlines() if SENTENCE in line]

    assert len(values) == 1
    assert values[0].removeprefix(SENTENCE).split()[:3:2] == ["broadcast", "to"]


def test_json_output_has_the_assumed_part_of_each_series(cli: Cli) -> None:
    """It is a number between 0 and 1."""
    cli(*RUN, "-k", "normal-ipi")
    rows = json.loads(cli("show", "a.json", "--json").out)["series"]
    values = [row["assumed"] for row in rows]

    assert len(values) == len(rows) > 0
    assert all(0 < part < 1 for part in values)


def test_csv_output_has_no_sentence_about_assumed_costs(cli: Cli) -> None:
    """CSV output is a single table."""
    cli(*RUN, "-k", "normal-ipi")
    out = cli("show", "a.json", "--format", "csv").out

    assert SENTENCE not in out
    assert len(list(csv.DictReader(io.StringIO(out)))) == 2


def test_published_results_have_no_assumed_part(cli: Cli) -> None:
    """Published results were measured."""
    rows = json.loads(cli("show", "published:norov-2018", "--json").out)["series"]

    assert [row for row in rows if "assumed" in row] == []
    assert SENTENCE not in cli("show", "published:norov-2018").out
