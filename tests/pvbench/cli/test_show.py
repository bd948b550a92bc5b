"""`pvbench show`: the table of a result file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from support.runs import HOST_FOLDER, Cli, file_of, row_of

PHYSICAL = "x2apic-physical"


def test_the_table_of_a_run_has_its_stacks_and_workloads(cli: Cli, overlay_file: Path) -> None:
    """Stacks go down, workloads across, in the order of the plan; times are in seconds."""
    output = cli("show", str(overlay_file), "--format", "csv")
    table = list(csv.DictReader(io.StringIO(output.out)))

    assert output.status == 0
    assert [row["stack"] for row in table] == [
        "x2apic-physical",
        "x2apic-cluster",
        "kvm-pv/x2apic-physical",
        "kvm-pv/x2apic-cluster",
    ]
    assert list(table[0])[1:] == [
        "dry-run",
        "self-ipi",
        "normal-ipi",
        "broadcast",
        "broadcast-lock",
    ]
    assert all(0 < float(cell) < 1 for cell in list(table[0].values())[1:])


def test_words_select_the_cases_that_are_shown(cli: Cli, overlay_file: Path) -> None:
    """As in `run`; the series is a part of the name too."""
    output = cli("show", str(overlay_file), "-k", "kvm-pv and *.broadcast", "--format", "csv")
    header, *rows = csv.reader(io.StringIO(output.out))

    assert (output.status, header[1:]) == (0, ["broadcast"])
    assert [row[0] for row in rows] == ["kvm-pv/x2apic-physical", "kvm-pv/x2apic-cluster"]


def test_words_select_the_cases_that_did_not_run(cli: Cli) -> None:
    """One of them has no flat mode for 80 CPUs; both are in the journal."""
    cases = ("--workload", "normal-ipi,self-ipi", "--driver", "xapic-flat,x2apic-physical")
    cli("run", "norov", "--fast", "-q", "-o", "a.json", "--sender", "native", *cases)
    output = cli("show", "a.json", "-k", "self-ipi")

    assert output.out.count("unsupported: norov.self-ipi xapic-flat") == 1
    assert "normal-ipi" not in output.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param("nowhere", "-k matches none of the ", id="nothing"),
        pytest.param(
            "(", "-k '(' cannot be read: a word is missing at the end", id="malformed"
        ),
    ],
)
def test_an_expression_that_selects_nothing_is_refused(
    cli: Cli, overlay_file: Path, words: str, why: str
) -> None:
    """An empty table would look like an empty file."""
    output = cli("show", str(overlay_file), "-k", words)

    assert (output.status, output.out) == (2, "")
    assert output.err.startswith(f"pvbench: {why}")


def test_a_note_below_the_table_says_how_ops_were_executed(
    cli: Cli, overlay_file: Path
) -> None:
    """79 targets take 79 writes, 5 for clusters, or one hypercall, each with one exit."""
    words = [line.split() for line in cli("show", str(overlay_file)).out.splitlines()]

    for expected in (
        ["x2apic-physical", "1w", "1x", "79w", "79x", "79w", "79x"],
        ["x2apic-cluster", "1w", "1x", "5w", "5x", "5w", "5x"],
        ["kvm-pv/x2apic-physical", "1w", "1x", "1h", "1x", "1h", "1x"],
        ["kvm-pv/x2apic-cluster", "1w", "1x", "1h", "1x", "1h", "1x"],
    ):
        assert expected in words


def test_markdown_can_be_pasted(cli: Cli, overlay_file: Path) -> None:
    """It has both tables."""
    lines = cli("show", str(overlay_file), "--format", "markdown").out.splitlines()

    assert len([line for line in lines if line.startswith("|---")]) == 2


def test_json_holds_every_series(cli: Cli, native_file: Path) -> None:
    """There are two stacks, two workloads and five series; times are in seconds."""
    printed = json.loads(cli("show", str(native_file), "--json").out)

    assert (len(printed["series"]), printed["not_run"]) == (20, [])
    assert {series["boots"] for series in printed["series"]} == {3}
    assert {series["icr_writes"] for series in printed["series"]} == {79.0, 5.0}


def test_the_published_table_is_shown_as_measured(cli: Cli) -> None:
    """Same form as a run of one's own; its counts are unknown."""
    output = cli("show", "published:norov-2018")
    words = [line.split() for line in output.out.splitlines()]

    assert output.status == 0
    assert "modelled" not in output.out
    assert "ICR writes (w) and hypercalls (h)" not in output.out
    assert [row[0] for row in words if len(row) == 11] == [
        "x2apic-cluster",
        "kvm-pv/x2apic-cluster",
        "x2apic-physical",
        "kvm-pv/x2apic-physical",
    ]


def test_the_published_table_names_its_source_and_its_caveat(cli: Cli) -> None:
    """A reader must know the origin of a number."""
    out = cli("show", "published:norov-2018").out

    assert "4180bf1b655a" in out
    assert "single run, no variance" in out


def test_without_a_file_it_is_the_last_run_here(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the last one of this machine, below the current directory."""
    folder = HOST_FOLDER
    folder.mkdir(parents=True)
    for day, value_s in ((1, 1e-6), (2, 2e-6)):
        name = f"2026010{day}T000000Z-norov.json"
        file_of(folder / name, row_of("broadcast", PHYSICAL, value_s))

    assert "x2apic-physical,2e-06" in cli("show", "--format", "csv").out


def test_without_any_run_the_message_gives_the_fix(cli: Cli) -> None:
    """An empty directory is bad input."""
    output = cli("show")

    assert (output.status, output.out) == (2, "")
    assert output.err == "pvbench: there is no run of this machine here. Run a suite first.\n"


@pytest.mark.parametrize("series", ["send", "irqoff", "deliver", "ack", "wall"])
def test_every_time_can_be_shown(cli: Cli, native_file: Path, series: str) -> None:
    """``--series`` chooses one; each is in the file."""
    done = cli("show", str(native_file), "--series", series, "--format", "csv")
    table = list(csv.DictReader(io.StringIO(done.out)))
    times = [row[workload] for row in table for workload in ("broadcast", "broadcast-lock")]

    assert (done.status, len(times)) == (0, 4)
    assert min(map(float, times)) > 0


def test_a_time_that_does_not_exist_is_refused(cli: Cli, native_file: Path) -> None:
    """A table of dashes would pass for a result."""
    output = cli("show", str(native_file), "--series", "wal")

    assert (output.status, output.out) == (2, "")
    assert "wal" in output.err


def test_the_rate_of_several_sources_is_in_ipis_per_second(cli: Cli) -> None:
    """It is that of both pairs of CPUs; one source has none."""
    done = cli(
        *("run", "pairs", "-q", "--fast", "--vcpus", "8", "--sender", "native", "-o", "a.json"),
        *("--driver", "x2apic-physical", "--workload", "pairs:1,pairs:2"),
    )
    assert done.status == 0, done.err
    shown = cli("show", "a.json", "--series", "rate").out
    series = json.loads(cli("show", "a.json", "--json").out)["series"]
    values_s = {(row["workload"], row["series"]): row["value_s"] for row in series}
    makespan_s = values_s["pairs:2:disjoint", "makespan"]

    assert "median IPIs per second of all sources together, modelled" in shown
    assert values_s["pairs:2:disjoint", "rate"] == pytest.approx(makespan_s / 2)
    assert f"x2apic-physical - {2e-3 / makespan_s:.0f} k/s" in " ".join(shown.split())


def test_a_series_that_no_case_has_is_refused(cli: Cli) -> None:
    """An empty table would say nothing; the series of the file are named."""
    file = file_of(Path("a.json"), row_of("broadcast", PHYSICAL, 200e-6, series="send"))
    output = cli("show", file, "--series", "makespan")

    assert (output.status, output.out) == (2, "")
    assert output.err == "pvbench: no case of a.json has series makespan. It has send.\n"


def test_a_file_of_cases_that_lose_ipis_has_a_table_without_times(cli: Cli) -> None:
    """Without --series it shows what is lost."""
    lossy = row_of("broadcast", PHYSICAL, 200e-6, series="send", lost=1)
    output = cli("show", file_of(Path("a.json"), lossy))

    assert output.status == 0
    assert "loses 1 of 79" in output.out


def test_a_file_of_the_model_has_all_statistics(cli: Cli, native_file: Path) -> None:
    """All bursts of a broadcast by single writes are alike; the histogram is inexact."""
    output = cli("show", str(native_file), "--statistic", "all", "--csv")
    physical = next(csv.DictReader(io.StringIO(output.out)))
    times = {physical[name] for name in ("min", "median", "mean", "p99", "max")}

    assert (output.status, physical["stack"], len(times)) == (0, PHYSICAL, 1)
    assert float(physical["p99.9"]) == pytest.approx(float(physical["median"]), rel=0.005)


def test_another_statistic_can_be_shown(cli: Cli) -> None:
    """It is named above the table."""
    file = file_of(Path("a.json"), row_of("broadcast", PHYSICAL, 200e-6, p99_s=300e-6))
    output = cli("show", file, "--statistic", "p99")

    assert "p99 wall time of one burst" in output.out
    assert ("300 us" in output.out, "200 us" in output.out) == (True, False)


@pytest.mark.parametrize("statistic", ["max", "all"])
def test_a_statistic_that_a_file_lacks_is_refused(cli: Cli, statistic: str) -> None:
    """The published table has no distribution."""
    output = cli("show", "published:norov-2018", "--statistic", statistic)

    assert (output.status, output.out) == (2, "")
    assert f"has no {'min' if statistic == 'all' else 'max'}: it was stored" in output.err


@pytest.mark.parametrize("options", [(), ("--statistic", "mean")])
def test_published_times_are_means(cli: Cli, options: tuple[str, ...]) -> None:
    """The benchmark printed a total of its iterations."""
    output = cli("show", "published:norov-2018", *options)

    assert "mean wall time of one burst, as published (single run)" in output.out


def test_a_suite_about_losses_shows_them_unless_times_are_asked_for(cli: Cli) -> None:
    """The matrix is the answer of the suite; a series or a statistic asks for times."""
    layouts = ({"guest": f"dense:{n}", "apic_ids": f"0-{n - 1}"} for n in (8, 16))
    facts = {"answer": "losses", "minimum_s": 1e-7}
    rows = [row_of("broadcast", "x2apic-physical", 1e-6, **facts, **one) for one in layouts]
    file = file_of(Path("ids.json"), *rows)

    assert "lost IPIs of broadcast" in cli("show", file).out
    assert "lost IPIs" not in cli("show", file, "--series", "wall").out
    assert "minimum wall time" in cli("show", file, "--statistic", "min").out


def test_counts_can_be_shown(cli: Cli) -> None:
    """One of them by its name, or all; another name is refused with those that exist."""
    file = file_of(Path("a.json"), row_of("broadcast", "x2apic-physical", 1e-6, exits=79.0))

    assert "exits of one burst" in cli("show", file, "--series", "exits").out
    assert "wake-ups polled" in cli("show", file, "--series", "counts").out
    assert "exits, wake-ups," in cli("show", file, "--series", "wakeups").err
