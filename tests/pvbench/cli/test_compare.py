"""`pvbench compare`: files, axes, and a prediction beside what was published."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pvbench.results.rows import Row
from support.runs import HOST_FOLDER, Cli, Output, file_of, row_of, run_to

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
PV = f"kvm-pv/{PHYSICAL}"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)


def table(output: Output) -> list[dict[str, str]]:
    """A CSV table by its headers."""
    return list(csv.DictReader(io.StringIO(output.out)))


def not_compared(output: Output) -> list[tuple[str, ...]]:
    """(name, file, why) of each series in a CSV table that is compared with nothing."""
    rows = (row for row in table(output) if row.get("name", "-") != "-")
    return [(row["name"], row["file"], row["why"]) for row in rows]


def case_of(row: Row) -> str:
    """The name of the case of a row of the series wall."""
    return row.name.removesuffix(" wall")


def compared(cli: Cli, old: list[Row], new: list[Row], *options: str) -> Output:
    """Two files in the current directory, the first the baseline."""
    file_of(Path("old.json"), *old)
    file_of(Path("new.json"), *new)
    return cli("compare", "old.json", "new.json", *options)


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


def test_a_removed_case_is_a_regression_and_a_new_one_is_not(cli: Cli) -> None:
    """A sender that can no longer be measured must not pass a gate."""
    removed, new = row_of("dry-run", PHYSICAL, 1e-9), row_of("self-ipi", PHYSICAL, 1e-9)
    output = compared(cli, [BEFORE, removed], [BEFORE, new], "--csv")

    assert output.status == 1
    assert not_compared(output) == [
        (case_of(removed), "new.json", "only in old.json (regression)"),
        (new.name, "new.json", "only in new.json"),
    ]


def test_files_without_a_common_case_compare_nothing(cli: Cli) -> None:
    """A sentence says so, and both sides are named."""
    output = compared(cli, [BEFORE], [row_of("dry-run", PHYSICAL, 1e-9)])

    assert output.status == 1
    assert (
        "pvbench: no series match; --by AXIS pairs cases that differ in that axis" in output.err
    )
    assert output.out.count("only in") == 2


@pytest.mark.parametrize("form", ["plain", "markdown", "csv"])
def test_every_format_shows_a_case_that_starts_to_lose_ipis(cli: Cli, form: str) -> None:
    """It has no time to acknowledgement any more, so no pair shows it; exit status 1."""
    other = row_of("self-ipi", PHYSICAL, 1e-9)
    lossy = row_of("broadcast", PHYSICAL, 1e-6, series="send", lost=1)
    output = compared(cli, [BEFORE, other], [lossy, other], "--format", form)

    assert output.status == 1
    assert "loses 1 of 79 IPIs (regression)" in output.out


def test_a_case_that_is_void_now_is_a_regression(cli: Cli) -> None:
    """The journal beside the later file has the outcome and the reason."""
    other = row_of("self-ipi", PHYSICAL, 1e-9)
    case = case_of(BEFORE)
    void = {"boot": 1, "outcome": "ok", "cases": {case: {"outcome": "void", "reason": "slow"}}}
    entries = [{"plan": {"format": 1, "boots": 1, "cases": [case]}}, void]
    Path("new.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    output = compared(cli, [BEFORE, other], [other], "--csv")

    assert output.status == 1
    assert not_compared(output) == [(case, "new.json", "void: slow (regression)")]


def test_cases_that_got_worse_than_slow_are_above_the_times(cli: Cli) -> None:
    """A reader who sees the first table only must not miss it."""
    other = row_of("self-ipi", PHYSICAL, 1e-9)
    lines = compared(cli, [BEFORE, other], [other]).out.splitlines()
    worse = lines.index("Worse than slow in new.json:")

    assert worse < next(n for n, line in enumerate(lines) if line.startswith("workload"))
    assert lines[worse + 4].split()[0] == "missing"


def test_files_without_a_common_case_have_a_csv_of_the_cases_not_compared(cli: Cli) -> None:
    """There are no pairs, so it is the only table."""
    output = compared(cli, [BEFORE], [row_of("dry-run", PHYSICAL, 1e-9)], "--csv")

    assert output.out.splitlines()[0] == "file,verdict,name,why"
    assert len(not_compared(output)) == 2


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
    """Bad input: exit status 2, one sentence, no table."""
    output = compared(cli, [BEFORE], [row_of("broadcast", PHYSICAL, 1e-6, **change)])

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert message in output.err
    assert "speed ratio" not in output.out


def test_profiles_are_compared_when_asked_to(cli: Cli) -> None:
    """By name and hash: a cost profile can be edited under its name."""
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


def test_a_modelled_run_is_laid_beside_the_published_one(cli: Cli, native_file: Path) -> None:
    """Residuals with their source and caveat, and the words "no ranking"."""
    output = cli("compare", "--beside", "published:norov-2018", str(native_file))

    assert output.status == 0
    assert "4180bf1b655a" in output.out
    assert "single run, no variance" in output.out
    assert "compared as residuals, not ranked" in output.out
    assert "verdict" not in output.out


def test_residuals_are_of_the_cells_that_both_have(cli: Cli, native_file: Path) -> None:
    """Two native columns of both broadcasts."""
    files = ("published:norov-2018", str(native_file))
    rows = table(cli("compare", "--beside", *files, "--format", "csv"))

    assert [(r["workload"], r["stack"], f"{float(r['published']):.2e}") for r in rows] == [
        ("broadcast", CLUSTER, "9.28e-05"),
        ("broadcast", PHYSICAL, "1.98e-04"),
        ("broadcast-lock", CLUSTER, "8.81e-05"),
        ("broadcast-lock", PHYSICAL, "1.98e-04"),
    ]
    assert all(
        float(r["residual"])
        == pytest.approx(float(r["modelled"]) / float(r["published"]) - 1, abs=1e-7)
        for r in rows
    )


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        pytest.param({"site": "local"}, "measured", id="here"),
        pytest.param({"site": "published"}, "published", id="elsewhere"),
    ],
)
def test_beside_names_the_kind_of_each_file(cli: Cli, facts: dict[str, str], kind: str) -> None:
    """Above the table, in its header and for scripts."""
    measured = row_of("broadcast", PHYSICAL, 1e-4, clock="tsc", **facts)
    files = (file_of(Path("taken.json"), measured), file_of(Path("model.json"), BEFORE))
    plain = cli("compare", "--beside", *files).out
    (pair,) = json.loads(cli("compare", "--beside", *files, "--json").out)["pairs"]

    assert (
        f"{kind.capitalize()} and modelled times are compared as residuals, not ranked."
        in plain
    )
    assert re.search(rf"guest +{kind} +modelled +residual$", plain, re.MULTILINE)
    assert (pair["baseline"], pair["side"]) == (kind, "modelled")


def test_times_of_one_kind_are_not_compared_as_a_prediction(cli: Cli) -> None:
    """A plain comparison judges them; as residuals both columns would have one name."""
    output = compared(cli, [BEFORE], [BEFORE], "--beside")

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert (
        "both files have modelled times. Leave out --beside to compare the files." in output.err
    )


def test_csv_output_has_only_the_table(cli: Cli) -> None:
    """No heading and no hint above it."""
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
    """Exit status 2 and one sentence."""
    file_of(Path("old.json"), BEFORE)
    file_of(Path("new.json"), BEFORE)
    output = cli("compare", *arguments)

    assert (output.status, output.out) == (2, "")
    assert message in output.err.splitlines()[-1]


def test_a_prediction_without_its_result_gives_exit_status_3(cli: Cli) -> None:
    """The status is the same without --beside."""
    output = compared(cli, [row_of("self", PHYSICAL, 1e-6)], [BEFORE], "--beside")

    assert output.status == 3
    assert "no series match" in output.err


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


@pytest.mark.parametrize("form", ["plain", "csv"])
def test_only_changed_pairs_are_printed_if_that_is_asked_for(cli: Cli, form: str) -> None:
    """A sentence counts the others; a CSV without a row is empty."""
    output = compared(cli, [BEFORE], [BEFORE], "--only", "changed", "--format", form)
    sentence = "Pairs that are not shown: 1 equal."

    assert output.status == 0
    assert sentence in (output.err if form == "csv" else output.out)
    assert "broadcast" not in output.out


def test_only_the_cases_that_are_asked_for_are_compared(cli: Cli) -> None:
    """The others change no exit status, with or without a result."""
    slower = row_of("self-ipi", PHYSICAL, 9e-6)
    faster, missing = (row_of(name, PHYSICAL, 1e-6) for name in ("self-ipi", "dry-run"))
    output = compared(
        cli, [BEFORE, faster, missing], [BEFORE, slower], "-k", "broadcast", "--csv"
    )

    assert (output.status, [row["workload"] for row in table(output)]) == (0, ["broadcast"])


def test_an_expression_that_matches_no_case_is_refused(cli: Cli) -> None:
    """An empty comparison would look like one without a regression."""
    output = compared(cli, [BEFORE], [BEFORE], "-k", "xyzzy")

    assert (output.status, output.out) == (2, "")
    assert "-k matches no case of old.json, new.json" in output.err


def test_each_of_several_later_files_is_named_in_its_rows(cli: Cli) -> None:
    """One later file is named above the table."""
    names = [
        file_of(Path(f"{n}.json"), row_of("broadcast", PHYSICAL, n * 1e-6)) for n in (1, 2, 3)
    ]

    assert [row["side"] for row in table(cli("compare", *names, "--csv"))] == names[1:]
    assert "side" not in cli("compare", *names[:2]).out


@pytest.mark.parametrize(
    "options", [(), ("--series", "all"), ("--fail-above", "50%"), ("-k", "kvm-pv")]
)
def test_a_sender_that_begins_to_lose_ipis_fails_a_gate(
    cli: Cli, options: tuple[str, ...]
) -> None:
    """Files of a user: APIC IDs 100 to 111 cannot slide into the window of kvm-pv-4.19."""
    folder = Path(__file__).parents[2] / "data" / "lossy"
    files = (str(folder / name) for name in ("good.json", "loses-12-of-141.json"))
    output = cli("compare", *files, *options, "--json")
    parsed = json.loads(output.out)
    (lossy,) = parsed["unpaired"]

    assert (output.status, lossy["verdict"]) == (1, "loses")
    assert lossy["detail"] == "loses 12 of 141 IPIs"
    assert "kvm-pv/x2apic-physical" in lossy["name"]
    assert {pair["verdict"] for pair in parsed["pairs"]} <= {"equal"}
