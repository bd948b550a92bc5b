"""Runs as a history has them, and their index in the cache."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.errors import UsageError
from pvbench.results import history, history_index
from pvbench.results.history import Run
from support.runs import file_of, row_of

FOLDER = Path("runs")


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    FOLDER.mkdir()


def stored(name: str, *times_s: float, **facts: Any) -> Path:
    """A result file with one series."""
    path = FOLDER / name
    file_of(path, row_of("broadcast", "x2apic-physical", *times_s, **facts))
    return path


def unreadable(path: Path, sentence: str) -> None:
    """No file of these tests is."""
    pytest.fail(f"{path}: {sentence}")


def indexed(*paths: Path) -> tuple[list[Run], list[int]]:
    """The runs, and the numbers of new files that were told."""
    numbers: list[int] = []
    return history_index.runs(paths, unreadable, numbers.append), numbers


def test_a_run_has_its_date_and_the_facts_of_a_history() -> None:
    """Histograms and other long facts are left out."""
    path = stored(
        "20260102T030405Z-norov.json", 1e-6, 2e-6, git="abc", label="x", histogram_ticks="3*2"
    )
    run = history.of_file(path)

    assert run.date == "2026-01-02 03:04:05"
    assert (run.fact("git"), run.fact("label"), run.fact("tox_env")) == ("abc", "x", "")
    assert run.rows[0].boots_s == (1e-6, 2e-6)
    assert run.rows[0].fact("histogram_ticks") is None


def test_the_date_of_a_file_with_another_name_is_that_of_its_last_change() -> None:
    """Its name does not say when it was made."""
    path = stored("mine.json", 1e-6)
    os.utime(path, (0, 86400))

    assert history.of_file(path).date == "1970-01-02 00:00:00"


def test_runs_are_in_the_order_of_their_dates() -> None:
    """The order of the files does not matter."""
    late, early = stored("20270101T000000Z-a.json", 1e-6), stored("20260101T000000Z-b.json", 1)

    assert [run.file for run in indexed(late, early)[0]] == [str(early), str(late)]


def test_the_plan_keeps_the_effort() -> None:
    """The allowance of `pvbench noise` depends on it."""
    path = stored("a.json", 1e-6)
    plan = {"format": 1, "boots": 1, "effort": {"slices": 4}, "seed": 5}
    path.with_suffix(".jsonl").write_text(json.dumps({"plan": plan}) + "\n")

    assert history.of_file(path).plan == {"effort": {"slices": 4}}


def test_a_run_is_the_same_after_a_way_through_json() -> None:
    """The facts that all rows share are stored once."""
    path = FOLDER / "a.json"
    rows = [row_of(f"w{n}", "x2apic-physical", 1e-6 * n, git="abc") for n in (1, 2, 3)]
    file_of(path, *rows)
    run = history.of_file(path)
    data = json.loads(json.dumps(history.to_data(run)))

    assert history.from_data(str(path), data) == run
    assert data["shared"]["git"] == "abc"
    assert "git" not in data["rows"][0][1]


def test_a_file_is_read_once() -> None:
    """The index answers after that."""
    path = stored("a.json", 1e-6)
    first, second = indexed(path), indexed(path)

    assert (first[1], second[1]) == ([1], [])
    assert first[0] == second[0]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_file_that_changed_is_read_again(name: str) -> None:
    """Also if only its journal did."""
    path = stored("a.json", 1e-6)
    indexed(path)
    if name == "a.json":
        stored(name, 2e-6)
    else:
        (FOLDER / name).write_text("")

    assert indexed(path)[1] == [1]


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 2, "files": {}}',
        '{"format": 1, "files": []}',
        '{"format": 1}',
        "[" * 100_000,
    ],
)
def test_a_damaged_index_is_made_anew(damage: str) -> None:
    """Nothing in it is trusted."""
    path = stored("a.json", 1e-6)
    indexed(path)
    history_index.index_path(FOLDER).write_text(damage)

    runs, numbers = indexed(path)
    assert ([run.file for run in runs], numbers) == ([str(path)], [1])
    assert indexed(path)[1] == []


@pytest.mark.parametrize(
    "run", [{}, [], {"date": 1, "plan": 2, "shared": {}, "rows": []}, {"rows": [[1]]}]
)
def test_a_malformed_entry_is_made_anew(run: Any) -> None:
    """The other entries stay."""
    path = stored("a.json", 1e-6)
    indexed(path)
    index = history_index.index_path(FOLDER)
    data = json.loads(index.read_text())
    data["files"]["a.json"]["run"] = run
    index.write_text(json.dumps(data))

    assert indexed(path)[1] == [1]


def test_entries_of_files_that_are_gone_leave_the_index() -> None:
    """It does not grow for ever, and keeps those that were not asked for."""
    gone, kept, new = (stored(f"{name}.json", 1e-6) for name in ("gone", "kept", "new"))
    indexed(gone, kept)
    gone.unlink()
    indexed(new)

    files = json.loads(history_index.index_path(FOLDER).read_text())["files"]
    assert sorted(files) == ["kept.json", "new.json"]


def test_a_file_that_cannot_be_read_is_told_and_left_out() -> None:
    """The others have a history all the same."""
    path, other = stored("a.json", 1e-6), FOLDER / "b.json"
    other.write_text("no json")
    sentences: list[str] = []
    runs = history_index.runs(
        [path, other], lambda _, sentence: sentences.append(sentence), lambda number: None
    )

    assert [run.file for run in runs] == [str(path)]
    assert len(sentences) == 1
    assert "b.json is not JSON" in sentences[0]


def test_without_a_cache_each_file_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that cannot be written is no error."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    path = stored("a.json", 1e-6)

    assert (indexed(path)[1], indexed(path)[1]) == ([1], [1])


def test_a_damaged_journal_is_an_error_of_its_file() -> None:
    """The allowance would not be known."""
    path = stored("a.json", 1e-6)
    path.with_suffix(".jsonl").write_text("no json\n")

    with pytest.raises(UsageError, match=r"a\.jsonl"):
        history.of_file(path)


def test_rows_keep_no_fact_that_is_not_needed() -> None:
    """An index of a thousand files must be read in a moment."""
    path = stored("a.json", 1e-6, caveat="x" * 1000, host_smt="on")
    (row,) = history.of_file(path).rows

    assert "caveat" not in row.facts
    assert row.fact("host_smt") == "on"
    assert attrs.evolve(row) == row
