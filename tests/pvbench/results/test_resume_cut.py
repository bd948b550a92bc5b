"""A journal that ends anywhere, with the results of that moment."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from pvbench.results import journal
from pvbench.run import loop as runs
from support.resume import REPLAY, prepared_small, states_of


def test_a_journal_cut_at_any_byte_resumes_to_the_undisturbed_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever part of a line is lost, the results it belongs to are on disk before it."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here
    monkeypatch.setattr(runs, "run_boot", REPLAY)
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
            if not journal.is_complete(journal.read(book)):
                wrong.append(cut)

    assert len(whole) > 1_000
    assert wrong == []
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.jsonl"]


def test_results_behind_their_journal_are_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A boot counts as done if its values are there: no result has a silent gap."""
    monkeypatch.setattr(runs, "run_boot", REPLAY)
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
