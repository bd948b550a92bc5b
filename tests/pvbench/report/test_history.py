"""The document of a history."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from pvbench.compare.steps import Step, Track
from pvbench.report import json as json_format
from pvbench.report import text
from pvbench.report.history import History, document
from pvbench.results.history import Run
from pvbench.results.rows import Row
from support.runs import row_of

STACK = "x2apic-physical"


def row(number: int, time_us: float, workload: str = "broadcast", **facts: Any) -> Row:
    """The row of one run."""
    return attrs.evolve(row_of(workload, STACK, time_us * 1e-6, **facts), file=f"{number}.json")


def history_of(*tracks: Track, last: int = 4, series: str = "wall") -> History:
    """A history with all runs of the tracks."""
    rows = {one.file: one for track in tracks for one in track.rows}
    runs = [
        Run(file=name, date=f"2026-01-0{number} 00:00:00", rows=(one,))
        for number, (name, one) in enumerate(sorted(rows.items()), 1)
    ]
    return History(runs=runs, tracks=tracks, series=series, last=last)


def printed(history: History) -> str:
    """The document in a wide terminal."""
    return text.render(document(history), 200)


def stepped(*rows: Row, confirmed: bool = True) -> Track:
    """A track whose last row is a step."""
    step = Step(
        before=rows[-2], after=rows[-1], verdict="slower", ratio=1.5, is_confirmed=confirmed
    )
    return Track(rows=rows, steps=(step,))


def test_a_step_that_is_not_confirmed_says_so() -> None:
    """The next run may take it back."""
    track = stepped(row(1, 100), row(2, 150), confirmed=False)

    assert "slower (50.0 % more); the next run has to confirm it" in printed(history_of(track))


def test_the_newest_steps_come_first() -> None:
    """A reader looks for what happened lately."""
    first = stepped(row(1, 100), row(2, 150))
    second = stepped(row(2, 100, "self-ipi"), row(3, 150, "self-ipi"))
    output = printed(history_of(first, second))

    assert output.index("Steps at run 3") < output.index("Steps at run 2")


def test_several_steps_of_a_case_are_counted() -> None:
    """The line of the case names the last one."""
    rows = (row(1, 100), row(2, 150), row(3, 300))
    steps = [
        Step(before=rows[place - 1], after=rows[place], verdict="slower", ratio=2)
        for place in (1, 2)
    ]
    output = printed(history_of(Track(rows=rows, steps=tuple(steps))))

    assert "slower at 3 and 1 before" in output


def test_conditions_in_which_cases_differ_are_columns() -> None:
    """Others are left out."""
    tracks = [Track(rows=(row(1, 100, guest=guest),)) for guest in ("dense:4", "dense:8")]
    output = printed(history_of(*tracks))

    assert ("dense:4" in output, "halted" in output) == (True, False)


def test_a_path_length_is_longer_and_not_slower() -> None:
    """Its change has words of its own."""
    clock = {"clock": "icount", "exactness": "near-exact"}
    track = Track(rows=(row(1, 100, **clock), row(2, 101, **clock)))

    assert "longer by 1.0 %" in printed(history_of(track))


def test_a_count_that_becomes_known_is_a_change() -> None:
    """One file does not tell it."""
    before, after = row(1, 100, icr_writes=None), row(2, 100)
    step = Step(before=before, after=after, verdict="other counts", ratio=1.0)
    track = Track(rows=(before, after), steps=(step,))

    assert "other counts (icr writes unknown to 79)" in printed(history_of(track))


def test_json_has_the_values_of_all_runs() -> None:
    """Programs draw charts of their own."""
    track = stepped(row(1, 100, git="a"), row(2, 150, git="b"))
    value = json.loads(json_format.render(document(history_of(track, last=1)), 72))

    values = {item["run"]: item["value_s"] for item in value["cases"][0]["values"]}
    assert values == pytest.approx({1: 1e-4, 2: 1.5e-4})
    assert (value["steps"][0]["run"], value["steps"][0]["revision"]) == (2, "b")
    assert [run["revision"] for run in value["runs"]] == ["a", "b"]


def test_text_of_files_cannot_move_the_cursor() -> None:
    """A label is untrusted."""
    track = Track(rows=(row(1, 100, label="\x1b[2Jx"),))

    assert "\x1b" not in printed(history_of(track))
