"""`pvbench compare --series exits`: counts, which have no verdict."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pvbench.results.rows import Row
from support.runs import Cli, file_of, row_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"


def stored(name: str, *rows: Row) -> str:
    """A file with these rows."""
    return file_of(Path(name), *rows)


def broadcast(stack: str, **facts: Any) -> Row:
    """A case with the counts *facts*; one that loses IPIs has no wall time."""
    return row_of("broadcast", stack, 1e-6, **facts)


def table(cli: Cli, *words: str) -> list[tuple[str, str, str]]:
    """(before, after, difference) of each pair, from CSV."""
    rows = csv.DictReader(io.StringIO(cli("compare", *words, "--csv").out))
    return [(row["before"], row["after"], row["difference"]) for row in rows]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"exits": 79.0}, {"exits": 1.0}, ("79", "1", "-78"), id="fewer"),
        pytest.param({"exits": 0.0}, {"exits": 5.0}, ("0", "5", "5"), id="more-than-none"),
        pytest.param({"exits": 5.0}, {"exits": 5.0}, ("5", "5", "0"), id="equal"),
        pytest.param({"exits": 5.0}, {}, ("5", "unknown", "unknown"), id="unknown-after"),
        pytest.param({}, {"exits": 5.0}, ("unknown", "5", "unknown"), id="unknown-before"),
    ],
)
def test_both_counts_and_their_difference_are_shown(
    cli: Cli, before: dict[str, float], after: dict[str, float], expected: tuple[str, str, str]
) -> None:
    """An unknown count is never taken for zero."""
    file = stored("a.json", broadcast(PHYSICAL, **before), broadcast(PV, **after))

    assert table(cli, file, "--by", "sender", "--series", "exits") == [expected]


def test_a_side_that_loses_ipis_is_compared_by_its_counts(cli: Cli) -> None:
    """It has no time to compare, but its losses and writes are counted."""
    lossy = broadcast(PV, series="send", lost=65, icr_writes=0.0)
    file = stored("a.json", broadcast(PHYSICAL), lossy)

    assert table(cli, file, "--by", "overlay", "--series", "lost") == [("0", "65", "65")]
    assert table(cli, file, "--by", "overlay", "--series", "icr-writes") == [("79", "0", "-79")]


@pytest.mark.parametrize(
    ("series", "before", "after", "status"),
    [
        pytest.param("lost", {"lost": 0}, {"lost": 1, "series": "send"}, 1, id="lost-more"),
        pytest.param("lost", {"lost": 2, "series": "send"}, {"lost": 0}, 0, id="lost-fewer"),
        pytest.param("exits", {"exits": 1.0}, {"exits": 9.0}, 0, id="more-exits"),
    ],
)
def test_only_lost_ipis_are_a_regression(
    cli: Cli, series: str, before: dict[str, Any], after: dict[str, Any], status: int
) -> None:
    """More exits may still be faster."""
    files = [
        stored("a.json", broadcast(PHYSICAL, **before)),
        stored("b.json", broadcast(PHYSICAL, **after)),
    ]

    assert cli("compare", *files, "--series", series).status == status


def test_only_pairs_whose_count_differs_are_changed(cli: Cli) -> None:
    """Other counts and times do not matter."""
    rows = [broadcast(PHYSICAL, exits=1.0), broadcast(PV, exits=1.0, icr_writes=0.0)]
    words = ("compare", stored("a.json", *rows), "--by", "sender", "--only", "changed")

    assert "Pairs that are not shown: 1" in cli(*words, "--series", "exits").out
    assert "not shown" not in cli(*words, "--series", "icr-writes").out


def test_text_says_what_is_counted(cli: Cli) -> None:
    """No sentence about clocks or statistics is printed."""
    rows = [
        row_of("broadcast", stack, 1e-6, 2e-6, clock="tsc", exits=1.0)
        for stack in (PHYSICAL, PV)
    ]
    output = cli("compare", stored("a.json", *rows), "--by", "sender", "--series", "exits")

    assert output.out.splitlines()[0] == "count: exits of one burst from each source"
    assert "statistic" not in output.out
    assert "clock" not in output.out


@pytest.mark.parametrize("option", [("--beside",), ("--fail-above", "5")])
def test_options_about_times_are_refused(cli: Cli, option: tuple[str, ...]) -> None:
    """Counts have no residual and no slowdown."""
    output = cli("compare", "a.json", "b.json", "--series", "exits", *option)

    assert output.status == 2
    assert "exits are counts" in output.err


def test_a_comparison_of_times_has_exits_and_wake_ups_beside_them(cli: Cli) -> None:
    """People see those that differ by more than chance; programs all that are known."""
    wakeups = {"wakeups_polled": 79.0, "wakeups_blocked": 0.0}
    rows = [broadcast(PHYSICAL, exits=79.0, **wakeups), broadcast(PV, exits=1.0, **wakeups)]
    words = ("compare", stored("a.json", *rows), "--by", "sender")
    (pair,) = json.loads(cli(*words, "--json").out)["pairs"]

    chance = [broadcast(PHYSICAL, exits=1.4), broadcast(PV, exits=1.3)]
    file = stored("b.json", *chance)

    assert "exits" not in cli("compare", file, "--by", "sender").out
    assert "79 -> 1" in cli(*words).out
    assert "wake-ups" not in cli(*words).out
    assert ",79 -> 1,79" in cli(*words, "--csv").out
    assert pair["exits"] == {"before": 79, "after": 1}
    assert pair["wake_ups"] == {"before": 79, "after": 79}


def test_ktap_has_both_counts_of_a_case(cli: Cli) -> None:
    """The times of the case are not what was compared."""
    file = stored("a.json", broadcast(PHYSICAL, exits=79.0), broadcast(PV, exits=1.0))
    command = ("compare", file, "--by", "sender", "--series", "exits", "--ktap")

    assert "exits # 79 to 1" in cli(*command).out
    assert "1..2" in cli("show", file, "--series", "exits", "--ktap").out
