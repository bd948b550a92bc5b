"""`pvbench compare` on a family: crossovers, and the column of assumed parts."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from support.runs import Cli, file_of, row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"


MASKS = ("--linux", "6.12+no_ipi_broadcast")  # no shorthand replaces a mask of all others


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the runs of one family, see `measured`."""
    return tmp_path_factory.mktemp("family")


def measured(cli: Cli, folder: Path, name: str, *options: str) -> str:
    """A run of fanout to 1, 2 and 4 targets; it runs once."""
    path = folder / f"{name}.json"
    if not path.exists():
        workloads = ",".join(f"fanout:{n}:{s}" for s in ("packed", "spread") for n in (1, 2, 4))
        choice = ("--workload", workloads, "--sender", "native", "--vcpus", "5", *MASKS)
        output = cli("run", "fanout", "--fast", "-q", *choice, *options, "-o", str(path))
        assert output.status == 0, output.err
    return str(path)


def heads(out: str) -> list[str]:
    """The lines above the crossovers."""
    return [line for line in out.splitlines() if line.endswith(", by targets:")]


def test_each_variant_has_its_crossovers(cli: Cli, family: Path) -> None:
    """They follow the table after an empty line."""
    output = cli("compare", measured(cli, family, "plain"), "--by", "sender")
    *_, crossovers = output.out.split("\n\n")

    assert output.status == 0
    assert heads(crossovers) == [
        f"fanout packed on dense:5, wall, against {PHYSICAL}, by targets:",
        f"fanout spread on dense:5, wall, against {PHYSICAL}, by targets:",
    ]


def test_every_series_has_its_crossovers(cli: Cli, family: Path) -> None:
    """With ``--series all`` each variant has one."""
    file = measured(cli, family, "plain")
    out = cli("compare", file, "--by", "sender", "--series", "all").out
    series = [head.split(", ")[1] for head in heads(out)]

    assert sorted(series) == sorted(2 * ["send", "irqoff", "deliver", "ack", "wall"])


@pytest.mark.parametrize(
    ("axis", "options", "against"),
    [
        pytest.param("costs", ("--costs", "epyc-rome-avic"), "skylake-fastpath", id="costs"),
        pytest.param("guest", ("--guest", "sparse:5:4"), "dense:5", id="guest"),
        pytest.param("targets", ("--targets", "running"), "halted", id="targets"),
    ],
)
def test_other_axes_have_crossovers_of_each_stack(
    cli: Cli, family: Path, axis: str, options: tuple[str, ...], against: str
) -> None:
    """Each stack and variant has its line, and no line has two."""
    plain = measured(cli, family, "plain")
    if axis == "guest":
        options = (*options, "--workload", "fanout:1,fanout:2")
    other = family / f"{axis}.json"
    workloads = "fanout:1,fanout:2,fanout:4"
    guest = () if axis == "guest" else ("--vcpus", "5")
    choice = ("--workload", workloads, "--sender", "native", *guest, *MASKS, *options)
    cli("run", "fanout", "--fast", "-q", *choice, "-o", str(other))
    output = cli("compare", plain, str(other), "--by", axis)
    crossovers = heads(output.out)

    assert output.status == 0
    assert [head.split(", ")[1] for head in crossovers] == [PHYSICAL, CLUSTER]
    assert all(f"against {against}" in head for head in crossovers)


def test_two_files_have_crossovers_of_each_stack(cli: Cli, family: Path) -> None:
    """The model repeats itself, so all of them are equal: exit status 0."""
    plain = measured(cli, family, "plain")
    copy = Path("copy.json")
    copy.write_bytes(Path(plain).read_bytes())
    output = cli("compare", plain, "copy.json")

    assert output.status == 0
    assert len(heads(output.out)) == 4
    assert output.out.count("  equal from 1 to 4: copy.json\n") == 4


def test_json_holds_the_crossovers(cli: Cli, family: Path) -> None:
    """Everything the sentences say, in fields."""
    file = measured(cli, family, "plain")
    parsed = json.loads(cli("compare", file, "--by", "sender", "--json").out)["crossovers"]

    assert [crossover["family"] for crossover in parsed] == ["fanout packed", "fanout spread"]
    assert set(parsed[0]) == {
        *("family", "stack", "guest", "conditions", "series"),
        *("baseline", "side", "parameter", "stretches"),
        *("values", "kind", "intervals", "assumed"),
    }
    assert parsed[0]["stretches"][0][1] == 1
    assert parsed[0]["stretches"][-1][2] == 4


def test_workloads_without_a_family_have_no_crossovers(cli: Cli, native_file: Path) -> None:
    """The comparison of norov ends with its table."""
    plain = cli("compare", str(native_file), "--by", "sender")
    parsed = json.loads(cli("compare", str(native_file), "--by", "sender", "--json").out)

    assert heads(plain.out) == []
    assert parsed["crossovers"] == []


def test_a_prediction_beside_its_reference_has_no_crossovers(cli: Cli, family: Path) -> None:
    """It is a residual: no side of it is faster, in JSON neither."""
    plain = measured(cli, family, "plain")
    facts = {
        "clock": "wall",
        "linux": MASKS[1],
        "guest": "dense:5",
        "family": "fanout",
        "parameter": "targets",
    }
    rows = [
        row_of(f"fanout:{n}:packed", PHYSICAL, 1e-6, **facts, parameter_value=n) for n in (1, 2)
    ]
    wall = file_of(Path("wall.json"), *rows)
    for files in ((plain, wall), (wall, plain)):
        printed = cli("compare", "--beside", *files)
        parsed = json.loads(cli("compare", "--beside", *files, "--json").out)
        assert heads(printed.out) == []
        assert {pair["verdict"] for pair in parsed["pairs"]} == {None}
        assert parsed["crossovers"] == []


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        pytest.param({"assumed": 0.16}, {"assumed": 0.35}, "16% -> 35%", id="both"),
        pytest.param({"assumed": 0.16}, {"assumed": 0.161}, "16%", id="the-same-when-rounded"),
        pytest.param({"assumed": 0.0}, {"assumed": 1.0}, "0% -> 100%", id="none-and-all"),
        pytest.param({}, {"assumed": 0.35}, "unknown -> 35%", id="one-is-not-told"),
        pytest.param({}, {}, None, id="neither"),
    ],
)
def test_the_assumed_part_of_both_times_is_a_column(
    cli: Cli, before: dict[str, Any], after: dict[str, Any], text: str | None
) -> None:
    """Unless nothing is assumed: a measurement has no such column."""
    rows = [
        row_of("broadcast", PHYSICAL, 2e-6, **before),
        row_of("broadcast", CLUSTER, 1e-6, **after),
    ]
    output = cli("compare", file_of(Path("a.json"), *rows), "--by", "sender", "--csv")
    (row,) = csv.DictReader(io.StringIO(output.out))

    assert row.get("assumed") == text


def test_an_axis_that_distinguishes_rows_is_a_column(cli: Cli) -> None:
    """Two target states in one file: the rows say which is which."""
    choice = ("-k", "*.broadcast", "--sender", "native", "--vcpus", "3")
    cli("run", "norov", "--fast", "-q", "-o", "a.json", *choice, "--targets", "halted,running")
    output = cli("compare", "a.json", "--by", "sender", "--csv")

    assert [r["target state"] for r in csv.DictReader(io.StringIO(output.out))] == [
        *("halted", "running"),
    ]


def test_profiles_of_one_name_are_distinguished_by_hash(cli: Cli, family: Path) -> None:
    """The hash is as short as everywhere else."""
    files = [
        measured(cli, family, "plain"),
        measured(cli, family, "bare", "--costs", "bare-metal"),
    ]
    text = cli("compare", *files, "--by", "costs").out
    (line,) = [line for line in text.splitlines() if "costs_sha256" in line]

    assert max(map(len, line.split())) < 40
