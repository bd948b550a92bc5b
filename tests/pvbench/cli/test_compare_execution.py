"""`pvbench compare ALGORITHM OPS --by execution`: what it costs to make the ops."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.results.rows import Row
from support.runs import Cli, Output, file_of, row_of

NATIVE, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
TIMED = {"clock": "tsc", "delivery": "kvm", "costs": "measured", "costs_sha256": "-"}


def row(stack: str, execution: str | None, time_s: float, **facts: Any) -> Row:
    """A measured broadcast: six boots, each a little slower than the one before."""
    boots = [time_s * (1 + boot / 1000) for boot in range(6)]
    return row_of("broadcast", stack, *boots, execution=execution, **(TIMED | facts))


def executed(execution: str, scale: float) -> str:
    """A file of two senders, executed so; its name."""
    rows = [row(stack, execution, scale * t) for stack, t in ((NATIVE, 200e-6), (PV, 80e-6))]
    return file_of(Path(f"{execution}.json"), *rows)


def both_files() -> tuple[str, str]:
    """The algorithm takes a quarter more time than the list of its ops."""
    return executed("algorithm", 1.25), executed("ops", 1)


def pairs(output: Output) -> list[dict[str, str]]:
    """The rows of a comparison that is printed as CSV."""
    return list(csv.DictReader(io.StringIO(output.out)))


def test_each_sender_is_compared_with_itself_replayed(cli: Cli) -> None:
    """The algorithm is the first file's, and different senders are not compared."""
    output = cli("compare", *both_files(), "--by", "execution", "--csv")
    speeds = [
        (pair["stack"], pair["baseline"], pair["side"], pair["speed ratio"])
        for pair in pairs(output)
    ]

    assert output.status == 0
    assert speeds == [(NATIVE, "algorithm", "ops", "1.25"), (PV, "algorithm", "ops", "1.25")]


def test_a_sender_that_is_always_replayed_is_not_compared(cli: Cli) -> None:
    """As others' senders are: it is the same in both files, and is named."""
    for execution in ("algorithm", "ops"):
        rows = [row(NATIVE, execution, 1e-4), row("acme/x2apic-physical", "ops", 2e-4)]
        file_of(Path(f"{execution}.json"), *rows)
    output = cli("compare", "algorithm.json", "ops.json", "--by", "execution", "--csv")

    assert [pair["stack"] for pair in pairs(output)] == [NATIVE, "-"]
    assert "in two files, so left out" in output.out.splitlines()[-1]
    assert "acme/x2apic-physical" in output.out.splitlines()[-1]


def test_the_replay_can_be_the_baseline(cli: Cli) -> None:
    """By its name, whichever file is first."""
    output = cli("compare", *both_files(), "--by", "execution", "--baseline", "ops", "--csv")

    assert {(p["baseline"], p["side"], p["speed ratio"]) for p in pairs(output)} == {
        ("ops", "algorithm", "0.8")
    }


def test_a_baseline_that_is_not_an_execution_is_refused(cli: Cli) -> None:
    """Exit status 2, with the names of the sides."""
    output = cli("compare", *both_files(), "--by", "execution", "--baseline", "opps")

    assert output.status == 2
    assert "Did you mean 'ops'? Sides: algorithm, ops." in output.err


def test_boots_of_two_files_are_never_shared(cli: Cli) -> None:
    """Boot 1 of one is not boot 1 of the other: what drifts alike in both settles nothing."""
    times = [1e-6 * (1 + boot / 10) for boot in range(8)]
    files = []
    for execution, scale in (("algorithm", 1), ("ops", 0.8)):
        of_boots = row_of(
            "broadcast", NATIVE, *(scale * t for t in times), execution=execution, **TIMED
        )
        numbered = attrs.evolve(of_boots, boots=tuple(range(1, 9)))
        files.append(file_of(Path(f"{execution}.json"), numbered))
    (pair,) = json.loads(cli("compare", *files, "--by", "execution", "--json").out)["pairs"]

    assert (pair["speed_ratio"], pair["verdict"]) == (pytest.approx(1.25), "inconclusive")


def test_without_an_axis_they_have_nothing_in_common(cli: Cli) -> None:
    """Executions never make a pair: all cases are missing, and a line gives the reason."""
    output = cli("compare", *both_files())

    assert output.status == 1
    assert "differs: execution: algorithm | ops\n" in output.out
    assert output.err.startswith("pvbench: the files have no case in common")


def test_one_file_has_one_side_only(cli: Cli) -> None:
    """There is nothing to compare it with."""
    output = cli("compare", executed("algorithm", 1), "--by", "execution")

    assert (output.status, output.out.count("speed ratio")) == (3, 0)
    assert output.err == (
        "pvbench: --by execution has nothing to compare: "
        "no two cases differ only in the execution\n"
    )


@pytest.mark.parametrize(
    ("axis", "other"),
    [
        pytest.param("sender", {"stack": PV}, id="sender"),
        pytest.param("driver", {"stack": "x2apic-cluster"}, id="driver"),
        pytest.param("targets", {"target_state": "running"}, id="targets"),
        pytest.param("linux", {"linux": "6.12"}, id="linux"),
    ],
)
def test_other_axes_never_cross_it(cli: Cli, axis: str, other: dict[str, Any]) -> None:
    """Each execution is compared with itself: the ratios are 2, never 1.6 or 2.5."""
    files = []
    for execution, scale in (("algorithm", 1.25), ("ops", 1)):
        for name, facts, time_s in (("before", {}, 200e-6), ("after", other, 100e-6)):
            axes = {"stack": NATIVE} | facts
            of_boots = row(execution=execution, time_s=scale * time_s, **axes)
            files.append(file_of(Path(f"{name}-{execution}.json"), of_boots))
    output = cli("compare", *files, "--by", axis, "--csv")

    assert [pair["speed ratio"] for pair in pairs(output)] == ["2", "2"]


def test_a_run_of_the_model_is_not_compared_by_execution(cli: Cli) -> None:
    """The model has no execution, and its clock is another one."""
    modelled = file_of(Path("model.json"), row_of("broadcast", NATIVE, 1e-4))
    output = cli("compare", executed("algorithm", 1), modelled, "--by", "execution")

    assert output.status == 2
    assert re.search(r"results of different clocks are not ranked: model, tsc\.", output.err)
