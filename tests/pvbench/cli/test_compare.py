"""`pvbench compare`: files, axes, and questions that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.compared import BEFORE, CLUSTER, PHYSICAL, compared, table
from support.runs import HOST_FOLDER, Cli, file_of, row_of, run_to

PV = f"kvm-pv/{PHYSICAL}"


@pytest.mark.parametrize(
    ("after_s", "cells", "status"),
    [
        pytest.param(80e-6, ["2.5", "0.6", "faster"], 0, id="faster"),
        pytest.param(200e-6, ["1", "0", "equal"], 0, id="equal"),
        pytest.param(250e-6, ["0.8", "-0.25", "slower"], 1, id="slower-is-a-regression"),
        pytest.param(200.0001e-6, ["0.9999995", "-5e-07", "slower"], 1, id="by-a-hair"),
    ],
)
def test_two_modelled_files_are_compared_exactly(
    cli: Cli, after_s: float, cells: list[str], status: int
) -> None:
    """A speed ratio of 2.5 is a time reduction of 60 %; any slower case is a regression."""
    after = row_of("broadcast", PHYSICAL, after_s)
    output = compared(cli, [BEFORE], [after], "--format", "csv")
    (row,) = table(output)

    assert output.status == status
    assert cells == [row["speed ratio"], row["time reduction"], row["verdict"]]


@pytest.mark.parametrize(
    ("options", "verdict", "statistic"),
    [
        pytest.param((), "faster", "median", id="median"),
        pytest.param(("--statistic", "p99"), "slower", "p99", id="p99"),
        pytest.param(("--statistic", "mean"), "equal", "mean", id="mean"),
    ],
)
def test_medians_are_compared_unless_another_statistic_is_asked_for(
    cli: Cli, options: tuple[str, ...], verdict: str, statistic: str
) -> None:
    """A sender may be faster in most bursts, and slower in the worst of a hundred."""
    before = row_of("broadcast", PHYSICAL, 200e-6, p99_s=300e-6, mean_s=210e-6)
    after = row_of("broadcast", PHYSICAL, 190e-6, p99_s=400e-6, mean_s=210e-6)
    output = compared(cli, [before], [after], "--json", *options)
    document = json.loads(output.out)

    assert document["statistic"] == statistic
    assert [pair["verdict"] for pair in document["pairs"]] == [verdict]


def test_two_runs_of_the_same_seed_are_equal(
    cli: Cli, native_file: Path, tmp_path: Path
) -> None:
    """Nothing changed, so nothing is found: exit status 0."""
    second = tmp_path / "again.json"
    run_to(second, "-k", "broadcast", "--sender", "native")
    output = cli("compare", str(native_file), str(second), "--series", "all", "--json")
    pairs = json.loads(output.out)["pairs"]

    assert (output.status, len(pairs)) == (0, 20)
    assert {(pair["verdict"], pair["speed_ratio"]) for pair in pairs} == {("equal", 1.0)}


def test_differences_of_software_are_printed_first(cli: Cli) -> None:
    """A difference of software explains more than any number below it."""
    output = compared(cli, [BEFORE], [row_of("broadcast", PHYSICAL, 1e-6, version="0.2.0")])

    assert output.out.splitlines()[0] == "differs: version: 0.1.0 | 0.2.0"


def test_baseline_and_compared_files_are_named(cli: Cli) -> None:
    """Which is which decides what faster means."""
    lines = compared(cli, [BEFORE], [BEFORE]).out.splitlines()

    assert lines[:2] == ["baseline: old.json", "compared: new.json"]


def test_senders_of_one_file_are_compared_with_a_baseline(cli: Cli, overlay_file: Path) -> None:
    """79 ICR writes against 5, or against one hypercall."""
    output = cli(
        "compare",
        str(overlay_file),
        "--by",
        "sender",
        "--baseline",
        PHYSICAL,
        "--format",
        "csv",
    )
    broadcast = {r["side"]: r for r in table(output) if r["workload"] == "broadcast"}

    assert output.status == 0
    assert {row["baseline"] for row in broadcast.values()} == {PHYSICAL}
    assert {side: row["counts"] for side, row in broadcast.items()} == {
        CLUSTER: "79w -> 5w",
        PV: "79w -> 1h",
        f"kvm-pv/{CLUSTER}": "79w -> 1h",
    }
    assert {row["verdict"] for row in broadcast.values()} == {"faster"}


def test_a_slower_sender_is_not_a_regression(cli: Cli) -> None:
    """Comparing along an axis is a question, not a check."""
    file = file_of(Path("a.json"), BEFORE, row_of("broadcast", CLUSTER, 300e-6))

    assert cli("compare", file, "--by", "sender").status == 0


REFUSED = [
    pytest.param({"clock": "tsc"}, "different clocks are not ranked: model, tsc", id="clocks"),
    pytest.param({"suite_version": 2}, "suites or versions of one are not ranked", id="suites"),
    pytest.param(
        {"costs": "icelake"}, "Add --by costs to compare the cost profiles.", id="costss"
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_times_of_different_clocks_are_refused(
    cli: Cli, change: dict[str, Any], message: str
) -> None:
    """Exit status 2 and one sentence stand for bad input; there is no table."""
    output = compared(cli, [BEFORE], [row_of("broadcast", PHYSICAL, 1e-6, **change)])

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert message in output.err
    assert "speed ratio" not in output.out


def test_profiles_are_compared_when_asked_to(cli: Cli) -> None:
    """They are named by name and hash: a cost profile can be edited under its name."""
    new = row_of("broadcast", PHYSICAL, 100e-6, costs="icelake", costs_sha256="beef0000ff")
    (row,) = table(compared(cli, [BEFORE], [new], "--by", "costs", "--format", "csv"))

    assert (row["baseline"], row["side"]) == (
        "skylake-2018 1e95a277",
        "icelake beef0000",
    )


def test_a_modelled_run_is_never_ranked_with_the_published_one(
    cli: Cli, native_file: Path
) -> None:
    """A model of a machine is not that machine."""
    output = cli("compare", "published:norov-2018", str(native_file))

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert "results of different clocks are not ranked: model, wall" in output.err


def test_csv_output_has_only_the_table(cli: Cli) -> None:
    """There is no heading and no hint above it."""
    first = compared(cli, [BEFORE], [BEFORE], "--format", "csv").out.splitlines()[0]

    assert first.startswith("workload,stack,guest,before,after,")


def test_markdown_names_the_kind_of_numbers(cli: Cli) -> None:
    """It is pasted where readers do not see the command."""
    lines = compared(cli, [BEFORE], [BEFORE], "--format", "markdown").out.splitlines()

    assert lines[:3] == [
        "- baseline: old.json",
        "- compared: new.json",
        "- statistic: median",
    ]
    assert lines[4].startswith("| workload")


def test_without_files_the_last_two_runs_are_compared(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one is the baseline."""
    folder = HOST_FOLDER
    folder.mkdir(parents=True)
    for day, value_s in ((1, 9e-6), (2, 4e-6), (3, 2e-6)):
        name = f"2026010{day}T000000Z-norov.json"
        file_of(folder / name, row_of("broadcast", PHYSICAL, value_s))
    (row,) = table(cli("compare", "--format", "csv"))

    assert (row["before"], row["after"]) == ("4e-06", "2e-06")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("old.json",), "takes 2 result files, but there are 1", id="one"),
        pytest.param(("old.json", "old.json"), "a file is named twice", id="twice"),
        pytest.param(("old.json", "./old.json"), "a file is named twice", id="twice-spelt"),
        pytest.param(
            ("old.json", "--by", "sender", "--baseline", "kvm-pv"),
            "there is no side called 'kvm-pv'",
            id="baseline-unknown",
        ),
        pytest.param(
            ("old.json", "new.json", "--baseline", PHYSICAL), "--by", id="baseline-without-by"
        ),
        pytest.param(("old.json", "new.json", "--series", "wal"), "wal", id="series-unknown"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    """The exit status is 2, with one sentence."""
    file_of(Path("old.json"), BEFORE)
    file_of(Path("new.json"), BEFORE)
    output = cli("compare", *arguments)

    assert (output.status, output.out) == (2, "")
    assert message in output.err.splitlines()[-1]


def test_a_note_of_both_files_is_printed_once(cli: Cli) -> None:
    """A caveat with the names of all that have it."""
    facts = {"source": "a guest", "caveat": "emulated"}
    output = compared(
        cli,
        [row_of("broadcast", PHYSICAL, 1e-6, **facts)],
        [row_of("broadcast", PHYSICAL, 1e-6, **facts | {"source": "another"})],
    )

    assert "old.json, new.json: emulated" in output.out.splitlines()
    assert "old.json: a guest" in output.out.splitlines()
    assert output.out.count("emulated") == 1
