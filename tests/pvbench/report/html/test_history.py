"""The page of a history."""

from __future__ import annotations

import attrs

from pvbench.compare.steps import Step, Track
from pvbench.report.history import History, document
from pvbench.report.html.figure import MOST_SERIES
from pvbench.report.html.history import page
from pvbench.report.html.page import render
from pvbench.results.history import Run
from pvbench.results.rows import Row
from support.charts import need_charts
from support.html import HOSTILE
from support.runs import row_of


def row(number: int, workload: str = "broadcast", stack: str = "x2apic-physical") -> Row:
    """The row of one run."""
    return attrs.evolve(row_of(workload, stack, number * 1e-6), file=f"{number}.json")


def history_of(*tracks: Track, runs: int = 2) -> History:
    """A history with so many runs."""
    members = [
        Run(file=f"{number}.json", date=HOSTILE, rows=tracks[0].rows[:1])
        for number in range(1, runs + 1)
    ]
    return History(runs=members, tracks=tracks, series="wall", last=4)


def figures_of(history: History) -> list[str]:
    """The titles of the charts."""
    return [figure.title for figure in page(history, document(history)).figures]


def test_workloads_with_steps_are_drawn_first() -> None:
    """There may be more workloads than charts."""
    plain = [Track(rows=(row(1, f"w{n}"), row(2, f"w{n}"))) for n in range(20)]
    rows = (row(1, "last"), row(2, "last"))
    step = Step(before=rows[0], after=rows[1], verdict="slower", ratio=2)
    titles = figures_of(history_of(*plain, Track(rows=rows, steps=(step,))))

    assert (len(titles), titles[0]) == (12, "Time of last in each run")


def test_a_chart_has_no_more_lines_than_can_be_told_apart() -> None:
    """The table has all of them."""
    tracks = [Track(rows=(row(1, stack=f"s{number}"),)) for number in range(20)]
    (figure,) = page(history_of(*tracks), document(history_of(*tracks))).figures

    assert len({record["series"] for record in figure.records}) == MOST_SERIES


def test_times_that_say_nothing_are_not_drawn() -> None:
    """Their counts are in the table."""
    silent = attrs.evolve(row(1), facts=row(1).facts | {"clock": "x", "exactness": "none"})

    assert figures_of(history_of(Track(rows=(silent,)))) == []


def test_the_ticks_of_many_runs_are_whole_numbers() -> None:
    """Not more than fit."""
    track = Track(rows=tuple(row(number) for number in range(1, 101)))
    history = history_of(track, runs=100)
    (figure,) = page(history, document(history)).figures
    ticks = figure.spec["layer"][0]["encoding"]["x"]["axis"]["values"]

    assert len(ticks) <= 15
    assert all(type(tick) is int for tick in ticks)


def test_hostile_text_is_escaped_on_the_page() -> None:
    """Dates, labels and stacks are of files."""
    need_charts()
    track = Track(rows=(row(1, HOSTILE, HOSTILE), row(2, HOSTILE, HOSTILE)))
    html = render(page(history_of(track), document(history_of(track))))

    assert ("<script" in html, "<img" in html) == (False, False)
