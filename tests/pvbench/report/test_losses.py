"""The matrix of lost IPIs that a run of several layouts prints."""

from __future__ import annotations

import csv as csv_module
import io
import json
from typing import Any

import attrs
import pytest

from pvbench.report import csv, losses, text
from pvbench.report import json as json_renderer
from pvbench.results.rows import Row
from support.runs import row_of, suite_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
PV = "kvm-pv128-v3"
DENSE: dict[str, Any] = {"guest": "dense:80", "apic_ids": "0-79"}
DESCENDING: dict[str, Any] = {
    "guest": "ids:128-0",
    "apic_ids": "128-0",
    "vcpus": 129,
    "host_cpus": 129,
}


def row(stack: str, lost: int = 0, **facts: Any) -> Row:
    """A case of a suite about losses; one that loses IPIs has no wall time."""
    series = {"series": "send"} if lost else {}
    return row_of("broadcast", stack, 1e-6, lost=lost, answer="losses", **(series | facts))


ROWS = [
    *(row(stack, **layout) for stack in (PHYSICAL, CLUSTER) for layout in (DENSE, DESCENDING)),
    *(row(f"{PV}/{driver}", **DENSE) for driver in (PHYSICAL, CLUSTER)),
    *(row(f"{PV}/{driver}", 65, **DESCENDING) for driver in (PHYSICAL, CLUSTER)),
]


def printed(*rows: Row, journal: list[dict[str, Any]] | None = None, width: int = 72) -> str:
    """The matrix and the text around it."""
    return text.render(losses.document(suite_of(*rows), journal or []), width)


def test_the_matrix_has_a_row_for_each_sender_and_a_column_for_each_layout() -> None:
    """An overlay with the same outcomes over all drivers is one row; layouts have numbers."""
    assert printed(*ROWS).splitlines() == [
        "norov: lost IPIs of broadcast, targets halted, Linux 4.19",
        "",
        "IPIs that a sender loses of one burst, computed by the model, not",
        "measured",
        "",
        "sender           1   2",
        "---------------  --  --------",
        "x2apic-physical  ok  ok",
        "x2apic-cluster   ok  ok",
        "kvm-pv128-v3     ok  loses 65",
        "",
        "Layouts:",
        "",
        "1: dense:80, 80 vCPUs, APIC IDs 0-79",
        "2: ids:128-0, 129 vCPUs, APIC IDs 128-0",
        "",
        "`pvbench show FILE --series wall` prints the times and counts of this",
        "  run.",
    ]


def test_an_overlay_that_depends_on_its_driver_has_a_row_for_each() -> None:
    """The names are those of the stacks."""
    rows = [
        row(f"{PV}/{driver}", lost, **DENSE) for driver, lost in ((PHYSICAL, 3), (CLUSTER, 0))
    ]

    assert f"{PV}/{PHYSICAL}  loses 3" in printed(*rows)
    assert f"{PV}/{CLUSTER}   ok" in printed(*rows)


def test_a_sender_without_a_result_in_a_layout_has_a_dash() -> None:
    """The reason stands below."""
    refused = {"case": "a case", "outcome": "unsupported", "reason": "no x2APIC"}
    lines = printed(*ROWS[:3], journal=[refused]).splitlines()

    assert "x2apic-cluster   ok  -" in lines
    assert "unsupported: a case: no x2APIC" in lines


def test_each_state_of_the_targets_has_a_matrix() -> None:
    """Costs do not matter for losses, so two cost profiles share one."""
    running = row(PHYSICAL, target_state="running", **DENSE)
    other_costs = row(PHYSICAL, costs="icelake", **DENSE)
    output = printed(*ROWS, attrs.evolve(running, name="running wall"), other_costs)

    assert output.count("lost IPIs of broadcast") == 2
    assert "lost IPIs of broadcast, targets running" in output


def test_eight_layouts_fit_a_mail() -> None:
    """Cells are wrapped; no column is left out."""
    layouts = [
        DENSE | {"guest": f"ids:{n}-{n + 79}", "apic_ids": f"{n}-{n + 79}"} for n in range(8)
    ]
    output = printed(
        *(row(f"kvm-pv-cluster128/{PHYSICAL}", 100, **one) for one in layouts[1:]),
        row(f"kvm-pv-cluster128/{PHYSICAL}", **layouts[0]),
    )

    assert max(map(len, output.splitlines())) <= 72
    assert "in every row" not in output
    assert output.count("sender") == 2


def test_csv_and_json_have_the_same_cells() -> None:
    """Their columns have the names of the layouts."""
    document = losses.document(suite_of(*ROWS), [])
    table = list(csv_module.DictReader(io.StringIO(csv.render(document))))
    value = json.loads(json_renderer.render(document))["losses"]

    assert [list(line.values())[1:] for line in table] == [
        ["ok", "ok"],
        ["ok", "ok"],
        ["ok", "loses 65"],
    ]
    assert [list(line.values())[-2:] for line in value] == [
        list(line.values())[1:] for line in table
    ]
    assert list(table[0])[:2] == ["sender", "dense:80"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(ROWS, True, id="several-layouts"),
        pytest.param(ROWS[::2][:2], False, id="one-layout"),
        pytest.param(
            [row_of("broadcast", PHYSICAL, 1e-6, **one) for one in (DENSE, DESCENDING)],
            False,
            id="a-suite-about-times",
        ),
    ],
)
def test_only_a_suite_about_losses_in_several_layouts_prints_a_matrix(
    rows: list[Row], expected: bool
) -> None:
    """One guest has the usual tables."""
    assert losses.is_answer(suite_of(*rows)) is expected


def test_measured_losses_are_called_counted() -> None:
    """With the place where they were."""
    measured = row(PHYSICAL, clock="tsc", exactness="noisy", delivery="kvm", **DENSE)

    assert "counted by kvm at local" in printed(measured)
