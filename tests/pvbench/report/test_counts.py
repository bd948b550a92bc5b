"""`show --series exits`, and all counts in columns."""

from __future__ import annotations

import json

from pvbench.report import counts, csv, text
from pvbench.report import json as json_renderer
from support.runs import row_of, suite_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
ROWS = [
    row_of("normal-ipi", PHYSICAL, 2e-6, icr_writes=1.0, exits=1.0),
    row_of("broadcast", PHYSICAL, 2e-4, exits=79.0, wakeups_polled=79.0, wakeups_blocked=0.0),
    row_of("broadcast", PV, 1e-6, series="send", lost=65, icr_writes=0.0, hypercalls=1.0),
]


def printed(series: str) -> list[str]:
    """The lines of the document."""
    return text.render(counts.document(suite_of(*ROWS), [], series), 1000).splitlines()


def test_a_count_has_a_row_for_each_stack_and_a_column_for_each_workload() -> None:
    """A case without a result has a dash, and a count that is not known says so."""
    assert printed("exits") == [
        "norov on dense:80: 80 vCPUs, APIC IDs 0-79, targets halted, Linux 4.19",
        "",
        "exits of one burst from each source, modelled by cost profile skylake-2018, not "
        "measured (median of 1 boot)",
        "",
        "stack                   normal-ipi  broadcast",
        "----------------------  ----------  ---------",
        "x2apic-physical                  1         79",
        "kvm-pv/x2apic-physical           -    unknown",
    ]


def test_a_count_that_is_equal_everywhere_keeps_its_columns() -> None:
    """A list of stacks alone would be no table."""
    document = counts.document(suite_of(*ROWS[:2]), [], "wake-ups-blocked")

    assert "x2apic-physical     unknown          0" in text.render(document, 45)


def test_all_counts_are_columns_of_one_table() -> None:
    """A row for each case, in CSV and JSON too."""
    document = counts.document(suite_of(*ROWS), [], counts.ALL)
    value = json.loads(json_renderer.render(document))

    assert csv.render(document).splitlines() == [
        "stack,workload,ICR writes,hypercalls,exits,wake-ups,wake-ups polled,"
        "wake-ups blocked,lost",
        "x2apic-physical,normal-ipi,1,0,1,unknown,unknown,unknown,0",
        "x2apic-physical,broadcast,79,0,79,79,79,0,0",
        "kvm-pv/x2apic-physical,broadcast,0,1,unknown,unknown,unknown,unknown,65",
    ]
    assert [row["exits"] for row in value["counts"]] == [1, 79, None]
    assert [row["wake_ups"] for row in value["counts"]] == [None, 79, None]


def test_cases_without_a_result_are_listed() -> None:
    """With the reason, as below a table of times."""
    refused = {"case": "a case", "outcome": "unsupported", "reason": "no x2APIC"}
    document = counts.document(suite_of(*ROWS), [refused], "lost")

    assert "unsupported: a case: no x2APIC" in text.render(document)
