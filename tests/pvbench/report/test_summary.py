"""The table of a run: stacks down, workloads across, and what it cannot show."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from pvbench.report import csv, text
from pvbench.report import json as json_form
from pvbench.report.summary import summary
from pvbench.results.rows import Row
from support.runs import row_of, suite_of

PHYSICAL, OVERLAID = "x2apic-physical", "kvm-pv/x2apic-physical"
NATIVE = row_of("broadcast", PHYSICAL, 198e-6)
PV = row_of("broadcast", OVERLAID, 76.9e-6, icr_writes=0.0, hypercalls=1.0)
DRY = row_of("dry-run", PHYSICAL, 24e-9, targets=0, icr_writes=0.0)


def printed_summary(
    *rows: Row,
    journal: list[dict[str, Any]] | None = None,
    style: str = "plain",
    **options: Any,
) -> str:
    """The summary of a file with these rows, in lines that are long enough."""
    document = summary(suite_of(*rows), journal or [], **options)
    return csv.render(document) if style == "csv" else text.render(document, 1000)


def notes(*rows: Row) -> list[str]:
    """The notes below the tables."""
    return [line for line in printed_summary(*rows).splitlines() if line.startswith("Note: ")]


def test_the_table_has_stacks_down_and_workloads_across() -> None:
    """In the order of the file; a dash where a stack has no such time."""
    assert printed_summary(DRY, NATIVE, PV, style="csv").splitlines() == [
        "stack,dry-run,broadcast",
        "x2apic-physical,2.4e-08,0.000198",
        "kvm-pv/x2apic-physical,-,7.69e-05",
    ]


def test_each_variant_of_a_family_has_a_table_and_a_heading_of_its_own() -> None:
    """Their workloads have the same names, and their times are not the same."""
    packed, spread = (
        attrs.evolve(
            row_of("8", PHYSICAL, seconds, suite="fanout", family="fanout", variant=variant),
            name=f"fanout.8 {variant}",
        )
        for variant, seconds in (("packed", 20e-6), ("spread", 30e-6))
    )
    text = printed_summary(packed, spread)
    headings = [line for line in text.splitlines() if line.startswith("fanout on ")]

    assert [heading.rpartition(", ")[2] for heading in headings] == [
        "fanout packed",
        "fanout spread",
    ]
    assert ("20.0 us" in text, "30.0 us" in text) == (True, True)
    assert printed_summary(packed, spread, style="csv").splitlines() == [
        "variant,stack,8",
        "packed,x2apic-physical,2e-05",
        "spread,x2apic-physical,3e-05",
    ]


def test_another_series_can_be_shown() -> None:
    """The send time of each case, instead of the wall time."""
    send = row_of("broadcast", PHYSICAL, 190e-6, series="send")

    assert printed_summary(NATIVE, send, style="csv", series="send").splitlines() == [
        "stack,broadcast",
        "x2apic-physical,0.00019",
    ]


def test_the_heading_says_what_was_measured_and_that_it_was_not() -> None:
    """A modelled time must never pass for a measured one."""
    heading = " ".join(printed_summary(NATIVE).split("\n\n")[:2])

    assert "norov on dense:80" in heading
    assert "targets halted" in heading
    assert "wall" in heading
    assert "modelled by cost profile skylake-2018, not measured" in heading
    assert "1 boot" in heading


def test_a_measured_time_names_its_clock() -> None:
    """Times of different clocks cannot be ranked."""
    row = row_of("broadcast", PHYSICAL, 1e-6, 2e-6, clock="tsc", delivery="kvm")

    assert "measured by kvm at local, clock tsc" in printed_summary(row)
    assert "2 boots" in printed_summary(row)


def test_counts_stand_below_the_times() -> None:
    """Counts of one iteration; a workload that sends nothing has no column."""
    counts = printed_summary(DRY, NATIVE, PV).split("\n\n")[4].splitlines()

    assert [line.split() for line in counts] == [
        ["stack", "broadcast"],
        ["----------------------", "---------"],
        ["x2apic-physical", "79w"],
        ["kvm-pv/x2apic-physical", "1h"],
    ]


COUNTS = "ICR writes (w) and hypercalls (h)"


def test_where_nothing_is_sent_there_is_no_table_of_counts() -> None:
    """An empty table says nothing."""
    assert (COUNTS in printed_summary(DRY), COUNTS in printed_summary(DRY, NATIVE)) == (
        False,
        True,
    )


def test_unknown_counts_are_not_zero() -> None:
    """A published file tells none: there is no table of them."""
    row = row_of("broadcast", PHYSICAL, 1e-6, icr_writes=None, hypercalls=None)

    assert (COUNTS in printed_summary(row), COUNTS in printed_summary(row, PV)) == (False, True)


NORMAL = {"targets": 1, "overlaid": "no", "icr_writes": 1.0}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            row_of("normal-ipi", OVERLAID, 1e-6, **NORMAL),
            "Note: kvm-pv sends nothing in normal-ipi: the driver sends unicasts.",
            id="unicast",
        ),
        pytest.param(
            row_of("broadcast", OVERLAID, 1e-6, **NORMAL, vcpus=2),
            "Note: kvm-pv sends nothing in broadcast: "
            "with two CPUs all IPIs are unicasts, which the driver sends.",
            id="two-cpus",
        ),
        pytest.param(
            row_of("broadcast", OVERLAID, 1e-6, overlaid="no", shorthands="yes"),
            "Note: kvm-pv sends nothing in broadcast: Linux 5.4 and later "
            "send full broadcasts by the driver's shorthand.",
            id="shorthands",
        ),
        pytest.param(
            row_of("some", OVERLAID, 1e-6, overlaid="no", targets=40),
            "Note: kvm-pv sends nothing in some: the driver's callback sends these IPIs.",
            id="callback-not-overridden",
        ),
    ],
)
def test_a_workload_that_cannot_tell_a_sender_from_its_driver_is_noted(
    row: Row, expected: str
) -> None:
    """Equal numbers would pass for a result: self, unicast and 2-CPU tests are blind."""
    assert notes(row) == [expected]


def test_a_case_that_its_sender_made_needs_no_note() -> None:
    """Neither does one that sends nothing."""
    assert notes(PV, NATIVE, row_of("dry-run", OVERLAID, 1e-6, targets=0, overlaid="no")) == []


LOSSY = "kvm-pv128-v3/x2apic-physical"
LOST = {"lost": 32, "targets": 159, "icr_writes": 0.0, "hypercalls": 1.0}


def test_a_loss_is_shown_instead_of_a_time() -> None:
    """A burst that is never acknowledged has no time, and a faster loser loses."""
    row = row_of("broadcast", LOSSY, 1e-6, series="send", **LOST)

    assert "kvm-pv128-v3/x2apic-physical,loses 32 of 159" in printed_summary(row, style="csv")
    assert notes(row) == [
        "Note: kvm-pv128-v3/x2apic-physical loses 32 of 159 IPIs of broadcast; a sender that "
        "waits for them hangs, so there is no time to acknowledgement."
    ]


def test_guests_get_tables_of_their_own() -> None:
    """Their times are not comparable across a row."""
    small = row_of("broadcast", PHYSICAL, 9e-6, guest="dense:8", apic_ids="0-7", vcpus=8)

    assert printed_summary(NATIVE, small).count(COUNTS) == 2


def test_a_csv_of_several_guests_says_which_is_which() -> None:
    """Two tables with the same headers could not be told apart."""
    small = row_of("broadcast", PHYSICAL, 9e-6, guest="dense:8", apic_ids="0-7", vcpus=8)
    text = printed_summary(NATIVE, small, style="csv")

    assert ["dense:80" in text, "dense:8" in text.replace("dense:80", "")] == [True, True]


def refused(
    name: str, reason: str = "flat logical mode can address only 8 CPUs"
) -> dict[str, str]:
    """A journal's line of a case that did not run."""
    return {"case": name, "outcome": "unsupported", "reason": reason}


@pytest.mark.parametrize(
    ("journal", "expected"),
    [
        pytest.param([refused("A")], "unsupported: A: flat logical mode can", id="one-case"),
        pytest.param(
            [refused("A"), refused("B"), refused("C")],
            "unsupported: A and 2 more cases: flat logical",
            id="one-reason-for-three",
        ),
        pytest.param(
            [{"boot": 1, "cases": {"A": {"outcome": "failed", "reason": "status 3"}}}],
            "failed: A: status 3",
            id="lost-with-its-boot",
        ),
        pytest.param(
            2 * [{"boot": 1, "cases": {"A": {"outcome": "failed", "reason": "status 3"}}}],
            "failed: A: status 3",
            id="one-case-in-two-boots",
        ),
    ],
)
def test_what_did_not_run_stands_below_with_its_reason(
    journal: list[dict[str, Any]], expected: str
) -> None:
    """A skip always has a reason; equal reasons are told once."""
    assert printed_summary(NATIVE, journal=journal).split("\n\n")[-1].startswith(expected)


def test_reasons_stand_together() -> None:
    """Line by line, below the tables."""
    text = printed_summary(
        NATIVE, journal=[refused("A", "too few CPUs"), refused("B", "no hypercall")]
    )

    assert text.split("\n\n")[-1].splitlines() == [
        "unsupported: A: too few CPUs",
        "unsupported: B: no hypercall",
    ]


def test_cases_that_went_well_are_not_listed() -> None:
    """Only what is missing needs a word."""
    ok = {"boot": 1, "cases": {"A": {"outcome": "ok", "reason": ""}}}

    assert printed_summary(NATIVE, journal=[{"plan": {}}, ok, {"end": 0}]) == printed_summary(
        NATIVE
    )


def test_json_gives_every_series_with_its_facts_and_the_reasons() -> None:
    """Scripts see what people see."""
    output = json.loads(json_form.render(summary(suite_of(NATIVE), [refused("A")])))
    (series,) = output["series"]

    assert output["not_run"] == ["unsupported: A: flat logical mode can address only 8 CPUs"]
    assert {
        "value_s": 198e-6,
        "boots": 1,
        "stack": PHYSICAL,
        "icr_writes": 79.0,
        "lost": 0,
    }.items() <= series.items()
