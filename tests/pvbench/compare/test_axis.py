"""Matching of rows that differ only in one axis."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from pvbench.compare import axis as axis_of
from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import Reason
from pvbench.errors import UsageError
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)


def sides(pairs: Sequence[Pair]) -> list[tuple[object, ...]]:
    """(stack before, stack after, side) of each pair."""
    return [(p.before.fact("stack"), p.after.fact("stack"), p.side) for p in pairs]


def by_axis(rows: list[Row], axis: str, baseline: str | None = None) -> tuple[Pair, ...]:
    """The pairs of one file along an axis."""
    return axis_of.by_axis({"file": rows}, axis, baseline).pairs


SENDERS = [
    row_of("broadcast", CLUSTER, 90e-6),
    BEFORE,
    row_of("broadcast", f"kvm-pv/{PHYSICAL}", 80e-6, hypercalls=1.0),
    row_of("dry-run", PHYSICAL, 24e-9),
]


def test_senders_are_compared_with_the_baseline_of_the_same_case() -> None:
    """A row without a partner on the baseline's side makes no pair."""
    pairs = by_axis(SENDERS, "sender", PHYSICAL)

    assert sides(pairs) == [
        (PHYSICAL, CLUSTER, CLUSTER),
        (PHYSICAL, f"kvm-pv/{PHYSICAL}", f"kvm-pv/{PHYSICAL}"),
    ]


def test_the_first_side_is_the_default_baseline() -> None:
    """The order of the file decides."""
    assert {p.baseline for p in by_axis(SENDERS, "sender")} == {CLUSTER}


def test_the_driver_that_the_kernel_would_choose_is_the_default_baseline() -> None:
    """Wherever it stands in the file."""
    rows = [attrs.evolve(row, facts=row.facts | {"native_driver": PHYSICAL}) for row in SENDERS]

    assert {p.baseline for p in by_axis(rows, "sender")} == {PHYSICAL}


def test_an_unknown_baseline_is_refused_with_the_nearest() -> None:
    """The message also lists all sides."""
    with pytest.raises(UsageError, match=r"'x2apic-phys'\. Did you mean 'x2apic-physical'\? S"):
        by_axis(SENDERS, "sender", "x2apic-phys")


STACKS = [
    row_of("broadcast", CLUSTER, 90e-6),
    BEFORE,
    row_of("broadcast", f"kvm-pv/{PHYSICAL}", 80e-6),
    row_of("broadcast", f"kvm-pv/{CLUSTER}", 81e-6),
    row_of("broadcast", f"xen-evtchn/{CLUSTER}", 82e-6),
]


def test_each_overlay_is_compared_with_its_own_driver() -> None:
    """The names of the sides are those of the stacks."""
    pairs = by_axis(STACKS, "overlay")

    assert [(pair.baseline, pair.side) for pair in pairs] == [
        (PHYSICAL, f"kvm-pv/{PHYSICAL}"),
        (CLUSTER, f"kvm-pv/{CLUSTER}"),
        (CLUSTER, f"xen-evtchn/{CLUSTER}"),
    ]


def test_overlays_are_compared_with_the_overlay_that_is_the_baseline() -> None:
    """An overlay without a case of the baseline on its driver makes no pair."""
    pairs = by_axis(STACKS, "overlay", "xen-evtchn")

    assert [(pair.baseline, pair.side) for pair in pairs] == [
        (f"xen-evtchn/{CLUSTER}", CLUSTER),
        (f"xen-evtchn/{CLUSTER}", f"kvm-pv/{CLUSTER}"),
    ]


def test_overlays_without_results_of_a_driver_are_not_compared_by_default() -> None:
    """Their drivers are the baseline, and another one has to be named."""
    with pytest.raises(UsageError, match=r"no case here is native\. Run .* or give"):
        by_axis([STACKS[2], STACKS[4]], "overlay")


def test_a_driver_is_no_side_of_overlays() -> None:
    """The error lists what --baseline may be."""
    with pytest.raises(UsageError, match="Sides: native, kvm-pv, xen-evtchn"):
        by_axis(STACKS, "overlay", PHYSICAL)


@pytest.mark.parametrize(
    ("axis", "change", "expected"),
    [
        pytest.param("driver", {"driver": CLUSTER}, CLUSTER, id="driver"),
        pytest.param(
            "guest",
            {"guest": "dense:8", "apic_ids": "0-7", "host_cpus": 8, "vcpus": 8},
            "dense:8",
            id="guest",
        ),
        pytest.param("guest", {"host_cpus": 2}, "dense:80/on2", id="guest-on-fewer-cpus"),
        pytest.param("guest", {"guest_bits": 32}, "dense:80/32-bit", id="guest-of-32-bits"),
        pytest.param("site", {"site": "lab:6.1"}, "lab:6.1", id="site"),
        pytest.param("targets", {"target_state": "running"}, "running", id="targets"),
        pytest.param("linux", {"linux": "5.4"}, "linux-5.4", id="linux"),
        pytest.param(
            "costs",
            {"costs": "icelake", "costs_sha256": "beef0123456"},
            "icelake beef0123",
            id="costs-with-its-hash",
        ),
        pytest.param(
            "costs",
            {"costs_sha256": "beef0123456"},
            "skylake-2018 beef0123",
            id="costs-edited-under-its-name",
        ),
    ],
)
def test_each_axis_pairs_rows_that_differ_only_in_it(
    axis: str, change: dict[str, object], expected: str
) -> None:
    """All other facts must be equal."""
    pairs = by_axis([BEFORE, row_of("broadcast", PHYSICAL, 1e-6, **change)], axis)

    assert [p.side for p in pairs] == [expected]


def test_a_case_that_occurs_twice_is_in_no_pair() -> None:
    """It is not clear which of the two is meant."""
    rows = [BEFORE, row_of("broadcast", CLUSTER, 90e-6), row_of("dry-run", PHYSICAL, 1e-9)]
    repeated = row_of("dry-run", PHYSICAL, 2e-9)
    matched = axis_of.by_axis({"old": rows, "new": [repeated]}, "sender", None)

    assert sides(matched.pairs) == [(PHYSICAL, CLUSTER, CLUSTER)]
    assert [(series.name, series.reason) for series in matched.unpaired] == [
        (repeated.name, Reason.TWICE)
    ]


def test_files_that_hold_the_same_cases_are_refused_along_an_axis() -> None:
    """Two results for each case give no baseline."""
    with pytest.raises(UsageError, match="contain the same cases, so --by has two results"):
        axis_of.by_axis({"old": [BEFORE], "new": [BEFORE]}, "sender", None)
