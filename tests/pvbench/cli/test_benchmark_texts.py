"""Texts of other benchmarks as files of `show`, `compare` and `report`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.benchmark_texts import TEXTS, path_of, text_of
from support.compared import table
from support.runs import Cli

NOROV, QUOTED, VMEXIT = map(path_of, ("norov.dmesg", "norov-quoted.txt", "vmexit.txt"))


@pytest.mark.parametrize("file", TEXTS)
def test_show_says_who_measured(cli: Cli, file: str) -> None:
    """A time of another benchmark never looks like one of pvbench."""
    output = cli("show", path_of(file))

    assert output.status == 0
    assert "not by pvbench (single run)" in output.out


def test_show_prints_cycles_as_cycles(cli: Cli) -> None:
    """JSON has no seconds then."""
    assert "1178 cycles" in cli("show", VMEXIT).out
    first = json.loads(cli("show", VMEXIT, "--json").out)["series"][0]
    assert (first["value_s"], first["time_unit"]) == (None, "cycles")


def test_a_text_is_laid_beside_each_stack_of_a_prediction(cli: Cli, overlay_file: Path) -> None:
    """It does not tell its stack, so each one may be meant."""
    rows = table(cli("compare", "--beside", NOROV, str(overlay_file), "--csv"))
    broadcasts = [row for row in rows if row["workload"] == "broadcast"]

    assert len({row["stack"] for row in broadcasts}) == len(broadcasts) > 1
    assert "unknown" not in {row["stack"] for row in rows} | {row["guest"] for row in rows}
    times = {row["measured by Norov's ipi_benchmark"] for row in broadcasts}
    assert times == {"2.569e-05"}


def test_beside_names_both_kinds(cli: Cli, overlay_file: Path) -> None:
    """The benchmark keeps its capitals."""
    output = cli("compare", "--beside", NOROV, str(overlay_file))

    assert "Measured by Norov's ipi_benchmark and modelled times are compared as" in output.out


def test_cycles_are_not_laid_beside_times(cli: Cli, overlay_file: Path, tmp_path: Path) -> None:
    """With the rate of the TSC they are times."""
    output = cli("compare", "--beside", VMEXIT, str(overlay_file))

    assert output.status == 2
    assert "vmexit.txt are cycles, whose rate it does not tell. Add the line" in output.err
    with_rate = tmp_path / "vmexit.txt"
    with_rate.write_text(f"{text_of('vmexit.txt')}tsc: Detected 2500.000 MHz TSC\n")
    assert "1.36 us" in cli("compare", "--beside", str(with_rate), str(overlay_file)).out


def test_a_text_is_never_ranked_with_a_run(cli: Cli, overlay_file: Path) -> None:
    """Its clock has another name."""
    output = cli("compare", str(overlay_file), NOROV)

    assert output.status == 2
    assert "results of different clocks are not ranked" in output.err


def test_single_values_of_two_texts_have_a_ratio_and_no_verdict(cli: Cli) -> None:
    """The noise of one value is unknown."""
    output = cli("compare", NOROV, QUOTED)

    assert "4 pairs have no verdict: the noise of a single value is unknown." in output.out
    assert "16.505" in output.out


def test_several_runs_of_two_texts_are_inconclusive(cli: Cli, tmp_path: Path) -> None:
    """No command of pvbench could decide about them."""
    files = [tmp_path / name for name in ("a.dmesg", "b.dmesg")]
    for path in files:
        path.write_text("".join(f"Dry-run: 0, {36 + n}0000 ns\n" for n in range(6)))
    output = cli("compare", *map(str, files))

    assert output.status == 4
    assert "not interleaved" in output.out
    assert "pvbench ab" not in output.out
    assert "median of up to 6 runs" in cli("show", str(files[0])).out


def test_a_report_of_one_text_has_its_numbers(cli: Cli) -> None:
    """Nothing is compared, and the text has no journal."""
    output = cli("report", NOROV)

    assert output.out.startswith("Measured by Norov's ipi_benchmark: no two cases")
    assert "25.7 us" in output.out
    assert "400 cycles" in cli("report", VMEXIT, "--series", "send").out


def test_a_report_of_two_texts_begins_with_who_measured(cli: Cli) -> None:
    """The first file is the base."""
    assert cli("report", NOROV, QUOTED).out.startswith(
        "Measured by Norov's ipi_benchmark: compared with "
    )


def test_a_page_of_a_text_says_who_measured(cli: Cli, tmp_path: Path) -> None:
    """The title of the benchmark is escaped as all text."""
    page = tmp_path / "page.html"
    output = cli("report", NOROV, QUOTED, "--html", str(page))

    assert output.status == 1  # one of the tests is missing in the second text
    assert "Measured by Norov&#39;s ipi_benchmark" in page.read_text()


def test_a_statistic_that_no_text_has_is_refused(cli: Cli) -> None:
    """The benchmarks print means."""
    output = cli("show", NOROV, "--statistic", "p99")

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert "has no p99" in output.err


def test_the_lines_of_norov_can_be_printed_again(cli: Cli) -> None:
    """What was read is what is written."""
    assert "Broadcast lock:                 0,          2678000000 ns" in (
        cli("show", NOROV, "--layout", "norov").out
    )
