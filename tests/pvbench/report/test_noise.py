"""The document of `pvbench noise`."""

from __future__ import annotations

import json

from pvbench.compare.allowance import Allowance
from pvbench.compare.noise import SeriesNoise
from pvbench.report import json as as_json
from pvbench.report import text
from pvbench.report.noise import document

QUIET = SeriesNoise(name="quiet", verdict="equivalent", boots=10, spread=0.01, finds=0.02)
LOUD = SeriesNoise(
    name="loud",
    verdict="faster",
    boots=10,
    spread=0.3,
    finds=0.4,
    allowance=Allowance(rms_log_ratio=0.1, sessions=4),
)
UNKNOWN = SeriesNoise(name="unknown", verdict="inconclusive", boots=1, spread=None, finds=None)


def test_the_summary_has_false_verdicts_and_the_smallest_difference() -> None:
    """t(4) of 2.78 times 10 % is a ratio of 1.32."""
    lines = text.render(document([QUIET, LOUD]), 200).splitlines()

    assert lines[:4] == [
        "Both sides are equal: 1 of 2 pairs got a false verdict, `faster` or `slower`.  At "
        "most 5 % of such comparisons have one.",
        "Standard deviation of the ratio of two adjacent boots: 15.5 % (median), 30 % (worst "
        "series).",
        "Smallest difference that 10 pairs of boots detect in 90 % of the comparisons: 21 % "
        "(median), 40 % (worst series).",
        "Smallest difference that gives a verdict between two runs made one after the other, "
        "by 4 sessions (the allowance): 32 %.",
    ]


def test_the_worst_series_comes_first() -> None:
    """Programs get the numbers."""
    (first, second, third) = json.loads(as_json.render(document([QUIET, UNKNOWN, LOUD]), 72))[
        "series"
    ]

    assert (first["name"], first["spread"], first["sessions"]) == ("loud", 0.3, 4)
    assert (second["name"], second["allowance"]) == ("quiet", None)
    assert third["spread"] is None


def test_an_unknown_value_is_not_mentioned() -> None:
    """One boot has no spread."""
    shown = text.render(document([UNKNOWN]), 100)

    assert "Both sides are equal: 0 of 1 pair got" in shown
    assert "Standard deviation" not in shown
    assert "Smallest difference" not in shown
