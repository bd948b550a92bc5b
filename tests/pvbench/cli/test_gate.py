"""`pvbench history --gate`: the last run against a baseline in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.results.files import read
from support.runs import HOST_FOLDER, Cli, file_of, row_of

GATE = ("history", "--gate", "ci/baseline.json.gz")


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    HOST_FOLDER.mkdir(parents=True)


def stored(number: int, time_us: float) -> Path:
    """Run *number* of this machine, with a journal."""
    path = HOST_FOLDER / f"202601{number:02d}T000000Z-norov.json"
    file_of(path, row_of("broadcast", "x2apic-physical", time_us * 1e-6))
    path.with_suffix(".jsonl").write_text('{"plan": {"format": 1, "boots": 1}}\n')
    return path


def test_the_first_run_becomes_the_baseline(cli: Cli) -> None:
    """It is kept with its journal, so that the run itself may go."""
    path = stored(1, 100)
    output = cli(*GATE)

    assert output.status == 0
    assert output.err == f"baseline: {path} is now kept in ci/baseline.json.gz\n"
    assert len(read("ci/baseline.json.gz")) == 1
    assert Path("ci/baseline.jsonl").read_text() == path.with_suffix(".jsonl").read_text()


@pytest.mark.parametrize(
    ("time_us", "options", "status"),
    [
        pytest.param(100, [], 0, id="equal"),
        pytest.param(90, [], 0, id="faster"),
        pytest.param(104, [], 1, id="slower"),
        pytest.param(104, ["--fail-above", "5%"], 0, id="below-the-limit"),
        pytest.param(106, ["--fail-above", "5%"], 1, id="above-the-limit"),
        pytest.param(106, ["--exit", "bisect"], 1, id="bad-revision"),
    ],
)
def test_a_later_run_has_the_exit_status_of_a_comparison(
    cli: Cli, time_us: float, options: list[str], status: int
) -> None:
    """The last run is compared."""
    stored(1, 100)
    cli(*GATE)
    stored(2, 500)
    stored(3, time_us)
    output = cli(*GATE, *options)

    assert output.status == status
    assert output.out.startswith("baseline: ci/baseline.json.gz\n")


def test_the_baseline_stays_until_a_run_is_accepted(cli: Cli) -> None:
    """Small steps would add up otherwise."""
    for number, time_us in enumerate((100, 104, 108), 1):
        stored(number, time_us)
        output = cli(*GATE, "--fail-above", "5%")
    assert output.status == 1
    assert cli(*GATE, "--accept").status == 0
    assert cli(*GATE).status == 0


def test_the_baseline_itself_is_never_the_last_run(cli: Cli) -> None:
    """It may lie among the runs."""
    stored(1, 100)
    gate = f"{HOST_FOLDER}/baseline.json"
    cli("history", "--gate", gate)
    stored(2, 120)

    assert cli("history", str(HOST_FOLDER), "--gate", gate).status == 1
    only = cli("history", gate, "--gate", gate)
    assert (only.status, "the only run is the baseline" in only.err) == (2, True)


def test_a_damaged_run_is_no_baseline(cli: Cli) -> None:
    """The gate would refuse everything after that."""
    stored(1, 100).write_text("no json")
    output = cli(*GATE)

    assert output.status == 2
    assert not Path("ci/baseline.json.gz").exists()


@pytest.mark.parametrize(
    ("gate", "status", "sentence"),
    [
        (["--gate", "baseline"], 2, "does not end in .json"),
        (["--gate", "file/baseline.json"], 5, "cannot be written"),
        (["--gate", "b.json", "--html", "p.html"], 2, "--gate writes no page"),
    ],
)
def test_a_baseline_that_cannot_be_kept_is_refused(
    cli: Cli, gate: list[str], status: int, sentence: str
) -> None:
    """One sentence says why."""
    stored(1, 100)
    Path("file").write_text("")
    output = cli("history", *gate)

    assert (output.status, output.err.count("\n")) == (status, 1)
    assert sentence in output.err


def test_a_journal_that_cannot_be_read_is_refused(cli: Cli) -> None:
    """The baseline would lack it."""
    journal = stored(1, 100).with_suffix(".jsonl")
    journal.unlink()
    journal.mkdir()
    output = cli(*GATE)

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert not Path("ci/baseline.json.gz").exists()


def test_a_run_without_a_journal_is_a_baseline_too(cli: Cli) -> None:
    """A file that somebody sent has none."""
    stored(1, 100).with_suffix(".jsonl").unlink()

    assert cli(*GATE).status == 0
    assert not Path("ci/baseline.jsonl").exists()
