"""`pvbench history`: the cases over time, their steps, and the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pvbench.results import noise
from support.compared import table
from support.runs import HOST_FOLDER, Cli, file_of, row_of

STACKS = ("x2apic-physical", "kvm-pv/x2apic-physical")
HOST = dict.fromkeys(("cpu_model", "nested", "virtualization", "smt", "governor", "turbo"), "-")
EFFORT = {"slices": 4.0, "loops": 10.0, "warmup": 1.0, "slice_s": 0.0}


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    HOST_FOLDER.mkdir(parents=True)


def stored(number: int, time_us: float, **facts: Any) -> Path:
    """Run *number* of this machine: both stacks, the first with this time."""
    times = (time_us, 50.0)
    path = HOST_FOLDER / f"202601{number:02d}T000000Z-norov.json"
    tags = {"git": f"{number:012x}"} | facts
    file_of(
        path,
        *(
            row_of("broadcast", stack, time * 1e-6, **tags)
            for stack, time in zip(STACKS, times, strict=True)
        ),
    )
    return path


def noisy(number: int, *times_us: float) -> None:
    """Run *number* on a noisy clock, with its journal."""
    path = HOST_FOLDER / f"202601{number:02d}T000000Z-live.json"
    row = row_of(
        "broadcast", STACKS[0], *(time * 1e-6 for time in times_us), clock="tsc", delivery="kvm"
    )
    file_of(path, row)
    plan = {"format": 1, "boots": len(times_us), "effort": EFFORT}
    path.with_suffix(".jsonl").write_text(json.dumps({"plan": plan}) + "\n")


def test_each_case_has_a_line_with_its_last_values(cli: Cli) -> None:
    """The runs of this machine are read, oldest first."""
    for number, time_us in enumerate((100, 100, 120), 1):
        stored(number, time_us)
    output = cli("history")

    assert output.status == 0
    assert output.out.startswith("3 runs, 2026-01-01 00:00:00 to 2026-01-03 00:00:00 UTC\n")
    assert "Modelled, not measured" in output.out
    assert re.search("100 us, 100 us, 120 us +20.0 % more +slower at 3\n", output.out)
    assert "50.0 us, 50.0 us, 50.0 us" in output.out


def test_a_step_names_run_revision_and_what_else_changed(cli: Cli) -> None:
    """A reader goes to that revision next."""
    stored(1, 100, host_kernel_release="6.12.1", label="old")
    stored(2, 120, host_kernel_release="6.12.2", label="new")
    output = cli("history").out

    assert "Steps at run 2, 2026-01-02 00:00:00, revision 000000000002, label new" in output
    assert "- broadcast x2apic-physical: slower (20.0 % more)\n" in output
    assert "host_kernel_release 6.12.1 to 6.12.2" in output
    assert "git 000000000001 to 000000000002" in output


def test_counts_that_changed_are_in_the_step(cli: Cli) -> None:
    """Also if the time is the same."""
    stored(1, 100)
    stored(2, 100, icr_writes=5.0)

    assert "other counts (icr writes 79 to 5)" in cli("history").out


def test_last_says_how_many_values_are_shown(cli: Cli) -> None:
    """JSON has all of them."""
    for number in range(1, 7):
        stored(number, 100 + number)

    assert "105 us, 106 us  " in cli("history", "--last", "2").out
    values = json.loads(cli("history", "--last", "2", "--json").out)
    assert len(values["cases"][0]["values"]) == len(values["runs"]) == 6
    assert [step["run"] for step in values["steps"]] == [2, 3, 4, 5, 6]


def test_files_and_folders_can_be_named(cli: Cli) -> None:
    """A folder stands for the files in it."""
    paths = [stored(number, 100) for number in (1, 2, 3)]

    assert cli("history", str(HOST_FOLDER)).out.startswith("3 runs")
    assert cli("history", str(paths[0]), str(paths[2])).out.startswith("2 runs")
    assert cli("history", str(HOST_FOLDER), str(paths[0])).out.startswith("3 runs")


def test_keywords_and_series_choose_cases(cli: Cli) -> None:
    """The cases are those of all runs."""
    stored(1, 100)
    rows = table(cli("history", "-k", "kvm-pv", "--csv"))

    assert [row["stack"] for row in rows] == [STACKS[1]]
    output = cli("history", "--series", "ack")
    assert (output.status, output.err.count("\n")) == (2, 1)


def test_a_noisy_case_without_an_allowance_is_not_judged(cli: Cli) -> None:
    """The sentence names the command that measures it."""
    for number in (1, 2, 3):
        noisy(number, 100 * number, 101 * number)
    output = cli("history").out

    assert "Steps of the time are not looked for in 1 case: `pvbench noise`" in output
    assert "?" in output
    assert "Steps at" not in output


def test_a_noisy_case_is_judged_by_the_allowance_of_its_host(cli: Cli) -> None:
    """`pvbench noise` has measured how far equal runs differ."""
    for number, time_us in enumerate((100, 101, 130, 131), 1):
        noisy(number, time_us, time_us + 1)
    name = row_of("broadcast", STACKS[0], 1, clock="tsc", delivery="kvm").name
    values = {noise.key(name, "median"): 0.01}
    line = noise.Line(kind="runs", host=HOST, effort=EFFORT, boots=2, values=values)
    for _ in range(10):
        noise.append(line)
    output = cli("history").out

    assert "broadcast x2apic-physical: slower (29." in output
    assert "at most one in twenty has a step" in output
    noisy(4, 100, 101)
    assert "Steps at" not in cli("history").out
    (HOST_FOLDER / "20260104T000000Z-live.json").unlink()
    assert "the next run has to confirm it" in cli("history").out


def test_the_page_has_a_chart_for_each_workload(cli: Cli, tmp_path: Path) -> None:
    """A chart has a line for each stack, and a mark for each step."""
    for number, time_us in enumerate((100, 100, 120), 1):
        stored(number, time_us)
    page = tmp_path / "page.html"
    output = cli("history", "--html", str(page))

    assert (output.status, output.err) == (0, f"page: {page}\n")
    text = page.read_text()
    assert "<h2" in text or "<h1" in text
    assert "Time of broadcast in each run" in text
    assert "At run 3 x2apic-physical slower." in text
    assert "<script" not in text


def test_a_file_that_cannot_be_read_is_left_out_with_a_sentence(cli: Cli) -> None:
    """The others have a history."""
    stored(1, 100)
    (HOST_FOLDER / "20260102T000000Z-bad.json").write_text("no json")
    output = cli("history")

    assert (output.status, output.out.startswith("1 run,")) == (0, True)
    assert "bad.json is not JSON" in output.err


@pytest.mark.parametrize("content", ["", "no json"])
@pytest.mark.parametrize("more", [(), ("--gate", "gate.json.gz")])
def test_a_file_that_is_named_must_be_readable(
    cli: Cli, content: str, more: tuple[str, ...]
) -> None:
    """A run that died while it wrote its file must not pass a gate."""
    stored(1, 100)
    first = next(HOST_FOLDER.glob("*.json"))
    cli("history", str(first), *more)
    Path("died.json").write_text(content)

    output = cli("history", str(first), "died.json", *more)

    assert (output.status, output.out) == (2, "")
    assert "died.json is" in output.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "there is no run of this machine here"),
        (["nothing.json"], "nothing.json cannot be read"),
        (["--accept"], "--accept needs --gate FILE"),
        (["--fail-above", "5%"], "--fail-above needs --gate FILE"),
        (["--only", "changed"], "--only needs --gate FILE"),
        (["--exit", "bisect"], "--exit needs --gate FILE"),
        (["--statistic", "p99"], "--statistic needs --gate FILE"),
        (["--series", "exits"], "a history has times, not exits"),
        (["--html", "page"], "does not end in .html"),
        (["-k", "nothing"], "no run has a case of series wall that matches -k"),
        (["--last", "0"], "0 is not in 1..1000"),
    ],
)
def test_what_makes_no_sense_is_refused(cli: Cli, arguments: list[str], sentence: str) -> None:
    """One sentence says why."""
    if arguments:
        stored(1, 100)
    output = cli("history", *arguments)

    assert output.status in (2, 128 + 2)
    assert sentence in output.err


def test_the_reading_of_many_new_files_is_told(cli: Cli) -> None:
    """A thousand take a while, but only once."""
    for number in range(1, 29):
        stored(number, 100)

    assert cli("history").err == "pvbench: 25 new files are read\n"
    assert cli("history").err == ""


def test_a_text_of_another_benchmark_is_a_run_too(cli: Cli) -> None:
    """The heading names the benchmark that measured the times."""
    folder = Path("texts")
    folder.mkdir()
    for number, total in ((1, 100_000), (2, 200_000)):
        (folder / f"2026010{number}.dmesg").write_text(f"Dry-run: 0, {total} ns\n")
    output = cli("history", *map(str, sorted(folder.iterdir())))

    assert "Measured by Norov's ipi_benchmark" in output.out
    assert "1.00 ns, 2.00 ns" in output.out
