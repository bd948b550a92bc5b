"""The table of the pairs of a comparison."""

from __future__ import annotations

import csv
import io

from pvbench.compare.pairs import Pair
from pvbench.document import Document, Table
from pvbench.report import csv as csv_form
from pvbench.report import text
from pvbench.report.pairs import ranking, residuals
from support.runs import row_of

PHYSICAL = "x2apic-physical"
OVERLAID = f"kvm-pv/{PHYSICAL}"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)
AFTER = row_of("broadcast", OVERLAID, 80e-6, icr_writes=0.0, hypercalls=1.0)
PAIR = Pair(baseline=PHYSICAL, side=OVERLAID, before=BEFORE, after=AFTER)


def as_dicts(table: Table) -> list[dict[str, str]]:
    """A table as CSV, by its headings."""
    return list(csv.DictReader(io.StringIO(csv_form.render(Document([table])))))


def as_text(table: Table) -> list[list[str]]:
    """The words of each row of a table as text."""
    return [line.split() for line in text.render(Document([table]), 500).splitlines()]


def test_ratios_are_of_times_and_say_which_kind() -> None:
    """2.5 times the speed saves 60 % of the time."""
    assert as_dicts(ranking([PAIR], by="sender")) == [
        {
            "workload": "broadcast",
            "baseline": PHYSICAL,
            "side": OVERLAID,
            "guest": "dense:80",
            "before": "0.0002",
            "after": "8e-05",
            "speed ratio": "2.5",
            "time reduction": "0.6",
            "verdict": "faster",
            "counts": "79w -> 1h",
        }
    ]


def test_files_are_compared_by_stack() -> None:
    """The stack stands for the sides."""
    (row,) = as_dicts(ranking([PAIR]))

    assert list(row)[:3] == ["workload", "stack", "guest"]


def test_both_stacks_are_named_if_those_of_the_sides_differ() -> None:
    """The sides of `pvbench ab` may have different senders."""
    (row,) = as_dicts(ranking([PAIR]))

    assert row["stack"] == f"{PHYSICAL} | {OVERLAID}"


def test_baseline_and_side_are_values_of_the_axis() -> None:
    """Along another axis than the sender the stack does not identify a side."""
    running = row_of("broadcast", PHYSICAL, 80e-6, target_state="running")
    pair = Pair(baseline="halted", side="running", before=BEFORE, after=running)
    (row,) = as_dicts(ranking([pair], by="targets"))

    assert (row["stack"], row["baseline"], row["side"]) == (PHYSICAL, "halted", "running")


def test_a_longer_time_has_a_negative_reduction() -> None:
    """The sign is always shown."""
    pair = Pair(baseline="old", side="new", before=AFTER, after=BEFORE)
    (row,) = as_dicts(ranking([pair]))

    assert (row["speed ratio"], row["time reduction"]) == ("0.4", "-1.5")


def test_rows_of_different_series_have_different_names() -> None:
    """``--series all`` compares several times of one case."""
    send = [row_of("broadcast", s, 1e-6, series="send") for s in (PHYSICAL, OVERLAID)]
    pairs = [PAIR, Pair(baseline=PHYSICAL, side=OVERLAID, before=send[0], after=send[1])]
    table = ranking(pairs, by="sender")

    assert [row.get("series") for row in as_dicts(table)] == ["wall", "send"]


def test_a_residual_is_the_relative_error_of_the_prediction() -> None:
    """It has a sign and is relative to the published time; there is no ratio and no verdict."""
    published = row_of("broadcast", PHYSICAL, 100e-6, clock="wall")
    pair = Pair(baseline="published", side="modelled", before=published, after=AFTER)

    assert as_dicts(residuals([pair])) == [
        {
            "workload": "broadcast",
            "stack": f"{PHYSICAL} | {OVERLAID}",
            "guest": "dense:80",
            "published": "0.0001",
            "modelled": "8e-05",
            "residual": "-0.2",
        }
    ]


def test_a_rate_has_a_ratio_and_no_change_of_time() -> None:
    """More IPIs per second are faster; beside times its change of time is a dash."""
    rates = [
        row_of("pairs:2", s, value, series="rate")
        for s, value in ((PHYSICAL, 1e-6), (OVERLAID, 500e-9))
    ]
    pair = Pair(baseline=PHYSICAL, side=OVERLAID, before=rates[0], after=rates[1])

    assert as_text(ranking([pair], by="sender"))[-1][4:10] == [
        *("1.00", "M/s", "2.00", "M/s", "2.000", "faster"),
    ]
    assert [row["time reduction"] for row in as_dicts(ranking([PAIR, pair]))] == ["0.6", "0.5"]


def test_a_change_of_time_is_a_percentage() -> None:
    """2.5 times the speed is 60 % less time; the reverse is 150 % more."""
    reverse = Pair(baseline=OVERLAID, side=PHYSICAL, before=AFTER, after=BEFORE)

    assert as_text(ranking([PAIR]))[2][5:13] == [
        *("200", "us", "80.0", "us", "2.500", "60.0", "%", "less"),
    ]
    assert as_text(ranking([reverse]))[2][5:13] == [
        *("80.0", "us", "200", "us", "0.400", "150", "%", "more"),
    ]
