"""The lines below the tables of a run: notes, and the cases that did not run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pvbench.report import json as json_form
from pvbench.report.summary import not_run, summary
from pvbench.results.rows import Row
from support.runs import row_of, suite_of
from support.summaries import NATIVE, OVERLAID, PHYSICAL, PV, printed_summary

NORMAL = {"targets": 1, "overlaid": "no", "icr_writes": 1.0}


def notes(*rows: Row) -> list[str]:
    """The notes below the tables."""
    return [line for line in printed_summary(*rows).splitlines() if line.startswith("Note: ")]


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
            row_of(
                *("broadcast", OVERLAID, 1e-6),
                overlaid="no",
                shorthands="yes",
                targets=77,
                vcpus=80,
                offline_cpus="3,5",
            ),
            "Note: kvm-pv sends nothing in broadcast: Linux 5.4 and later "
            "send full broadcasts by the driver's shorthand.",
            id="shorthands-without-the-offline-cpus",
        ),
        pytest.param(
            row_of("some", OVERLAID, 1e-6, overlaid="no", targets=40),
            "Note: kvm-pv sends nothing in some: the driver's callback sends these IPIs.",
            id="callback-not-overridden",
        ),
    ],
)
def test_a_workload_that_a_sender_leaves_to_its_driver_is_noted(
    row: Row, expected: str
) -> None:
    """
    Equal numbers would pass for a result: self, unicast and 2-CPU tests do not use the
    sender.
    """
    assert notes(row) == [expected]


def test_workloads_whose_only_target_polls_are_said_to_send_no_ipi() -> None:
    """All senders are equal there, so that the table has no column with times."""
    polling = {"targets": 0, "sources": 1, "target_state": "polling", "icr_writes": 0.0}
    silent = row_of("normal-ipi", PHYSICAL, 1e-6, **polling)
    empty = row_of("dry-run", PHYSICAL, 1e-6, **polling | {"sources": 0})

    (note,) = notes(silent, empty)
    assert note.startswith("Note: no IPI is sent in normal-ipi, so all senders have the same ")
    assert notes(row_of("self-ipi", PHYSICAL, 1e-6, targets=0, sources=1)) == []


def test_a_case_that_uses_its_sender_has_no_note() -> None:
    """A case that sends nothing has no note either."""
    assert notes(PV, NATIVE, row_of("dry-run", OVERLAID, 1e-6, targets=0, overlaid="no")) == []


LOSSY = "kvm-pv128-v3/x2apic-physical"
LOST = {"lost": 32, "targets": 159, "icr_writes": 0.0, "hypercalls": 1.0}


def test_a_loss_is_shown_instead_of_a_time() -> None:
    """
    A burst that is never acknowledged has no time, and a sender that loses IPIs never wins.
    """
    row = row_of("broadcast", LOSSY, 1e-6, series="send", **LOST)

    assert "kvm-pv128-v3/x2apic-physical,loses 32 of 159" in printed_summary(row, style="csv")
    assert notes(row) == [
        "Note: kvm-pv128-v3/x2apic-physical loses 32 of 159 IPIs of broadcast; a sender that "
        "waits for them hangs, so there is no time to acknowledgement."
    ]


def refused(
    name: str, reason: str = "flat logical mode can address only 8 CPUs"
) -> dict[str, str]:
    """The journal's entry of a case that did not run."""
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
def test_cases_that_did_not_run_are_listed_with_their_reasons(
    journal: list[dict[str, Any]], expected: str
) -> None:
    """Every skip has a reason; equal reasons are printed once."""
    assert printed_summary(NATIVE, journal=journal).split("\n\n")[-1].startswith(expected)


def test_reasons_of_the_same_cases_that_differ_are_one_line() -> None:
    """Each boot has other numbers in its reason; the first one stands for all."""
    boots: list[dict[str, Any]] = [
        {
            "boot": number,
            "outcome": "failed",
            "cases": {"A": {"outcome": "failed", "reason": f"only {number} samples"}},
        }
        for number in (1, 2, 3)
    ]

    assert list(not_run(boots)) == [
        "failed: A: only 1 samples (2 other reasons in other boots)"
    ]


def test_reasons_are_consecutive_lines() -> None:
    """They are printed line by line below the tables."""
    text = printed_summary(
        NATIVE, journal=[refused("A", "too few CPUs"), refused("B", "no hypercall")]
    )

    assert text.split("\n\n")[-1].splitlines() == [
        "unsupported: A: too few CPUs",
        "unsupported: B: no hypercall",
    ]


def test_cases_that_succeeded_are_not_listed() -> None:
    """Only missing cases are listed."""
    ok = {"boot": 1, "cases": {"A": {"outcome": "ok", "reason": ""}}}

    assert printed_summary(NATIVE, journal=[{"plan": {}}, ok, {"end": 0}]) == printed_summary(
        NATIVE
    )


def test_json_gives_every_series_with_its_facts_and_the_reasons() -> None:
    """Programs get the same information as people."""
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
