"""A journal that ends anywhere, with the results of that moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pvbench.results import journal
from pvbench.run import loop as runs
from support.resume import prepared_small, states_of

pytestmark = pytest.mark.usefixtures("replayed_boots")
MEMORY = Path("/dev/shm")  # noqa: S108


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder that no disk delays, where the machine has one: files are written often."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


def test_a_journal_cut_at_any_byte_resumes_to_the_undisturbed_result(
    in_memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever part of a line is lost, its results are on disk before it."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here
    path = in_memory / "a.json"
    book = path.with_suffix(".jsonl")
    prepared = prepared_small(str(path))
    states = states_of(prepared, path, monkeypatch)
    complete, undisturbed = states[-1]
    failures = []
    for (before, results), (after, _) in pairwise(states):
        for cut in range(len(before), len(after) + 1):
            book.write_bytes(complete[:cut])
            path.write_bytes(results)
            finished = runs.run(prepared)
            if (finished.status, path.read_bytes()) != (0, undisturbed):
                failures.append(cut)
            if not journal.is_complete(journal.read(book), boots=2):
                failures.append(cut)

    assert len(complete) > 1_000
    assert failures == []
    assert sorted(os.listdir(in_memory)) == ["a.json", "a.jsonl"]


def test_results_behind_their_journal_are_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A boot counts as done if its values are there: no result has a silent gap."""
    path = tmp_path / "a.json"
    prepared = prepared_small(str(path))
    states = states_of(prepared, path, monkeypatch)
    failures = []
    for _, results in states:
        path.write_bytes(results)
        finished = runs.run(prepared)
        if (finished.status, path.read_bytes()) != (0, states[-1][1]):
            failures.append(results)

    assert failures == []


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_a_result_file_cut_at_any_byte_resumes_to_the_undisturbed_result(
    in_memory: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its journal is whole, but its values are lost: the boots are repeated."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here
    path = in_memory / name
    prepared = prepared_small(str(path), guests=("1",), keywords="dry-run")
    runs.run(prepared)
    book = in_memory / "a.jsonl"
    journal_before, undisturbed = book.read_bytes(), path.read_bytes()
    failures = []
    for cut in range(len(undisturbed)):
        path.write_bytes(undisturbed[:cut])
        book.write_bytes(journal_before)
        finished = runs.run(prepared)
        if (finished.status, path.read_bytes()) != (0, undisturbed):
            failures.append(cut)

    assert len(undisturbed) > 500
    assert failures == []
    assert sorted(os.listdir(in_memory)) == [name, "a.jsonl"]


def test_boots_are_added_to_a_run_wherever_its_journal_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is that of a run which had so many boots from the beginning."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here
    path, other = tmp_path / "a.json", tmp_path / "b.json"
    extended = prepared_small(str(path), boots=4)
    runs.run(prepared_small(str(other), boots=4))
    states = states_of(prepared_small(str(path)), path, monkeypatch)
    failures = []
    for book, results in states:
        path.with_suffix(".jsonl").write_bytes(book)
        path.write_bytes(results)
        finished = runs.run(extended)
        if (finished.status, path.read_bytes()) != (0, other.read_bytes()):
            failures.append(len(book))

    assert failures == []
    assert journal.is_complete(journal.read(path.with_suffix(".jsonl")), boots=4)
