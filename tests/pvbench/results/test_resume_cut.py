"""A journal that ends anywhere, with the results of that moment."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from pvbench.results import journal
from pvbench.run import loop as runs
from support.resume import prepared_small, states_of

pytestmark = pytest.mark.usefixtures("replayed_boots")


def test_a_journal_cut_at_any_byte_resumes_to_the_undisturbed_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever part of a line is lost, the results it belongs to are on disk before it."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here
    path = tmp_path / "a.json"
    book = path.with_suffix(".jsonl")
    prepared = prepared_small(str(path))
    states = states_of(prepared, path, monkeypatch)
    whole, undisturbed = states[-1]
    wrong = []
    for (before, results), (after, _) in pairwise(states):
        for cut in range(len(before), len(after) + 1):
            book.write_bytes(whole[:cut])
            path.write_bytes(results)
            ended = runs.run(prepared)
            if (ended.status, path.read_bytes()) != (0, undisturbed):
                wrong.append(cut)
            if not journal.is_complete(journal.read(book), boots=2):
                wrong.append(cut)

    assert len(whole) > 1_000
    assert wrong == []
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.jsonl"]


def test_results_behind_their_journal_are_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A boot counts as done if its values are there: no result has a silent gap."""
    path = tmp_path / "a.json"
    prepared = prepared_small(str(path))
    states = states_of(prepared, path, monkeypatch)
    wrong = []
    for _, results in states:
        path.write_bytes(results)
        ended = runs.run(prepared)
        if (ended.status, path.read_bytes()) != (0, states[-1][1]):
            wrong.append(results)

    assert wrong == []


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_a_result_file_cut_at_any_byte_resumes_to_the_undisturbed_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its journal is whole, but its values are lost: the boots are repeated."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here
    path = tmp_path / name
    prepared = prepared_small(str(path))
    runs.run(prepared)
    undisturbed = path.read_bytes()
    wrong = []
    for cut in (*range(0, len(undisturbed), 401), len(undisturbed) - 2, len(undisturbed) - 1):
        path.write_bytes(undisturbed[:cut])
        ended = runs.run(prepared)
        if (ended.status, path.read_bytes()) != (0, undisturbed):
            wrong.append(cut)

    assert wrong == []
    assert sorted(os.listdir(tmp_path)) == [name, "a.jsonl"]


def test_boots_are_added_to_a_run_wherever_its_journal_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is that of a run which had so many boots from the beginning."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here
    path, other = tmp_path / "a.json", tmp_path / "b.json"
    more = prepared_small(str(path), boots=4)
    runs.run(prepared_small(str(other), boots=4))
    states = states_of(prepared_small(str(path)), path, monkeypatch)
    wrong = []
    for book, results in states:
        path.with_suffix(".jsonl").write_bytes(book)
        path.write_bytes(results)
        ended = runs.run(more)
        if (ended.status, path.read_bytes()) != (0, other.read_bytes()):
            wrong.append(len(book))

    assert wrong == []
    assert journal.is_complete(journal.read(path.with_suffix(".jsonl")), boots=4)
