"""Matching of rows that differ only in one axis, or only in their file."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pvbench.compare import matching
from pvbench.compare.matching import Matches
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
    return matching.by_axis({"file": rows}, axis, baseline).pairs


def unpaired(matches: Matches) -> list[tuple[str, str, Reason]]:
    """(name, file, reason) of each unpaired series."""
    return [(series.name, series.file, series.reason) for series in matches.unpaired]


def test_files_are_matched_by_the_facts_of_their_cases() -> None:
    """The order of the rows does not matter."""
    old = [BEFORE, row_of("broadcast", CLUSTER, 90e-6)]
    new = [row_of("broadcast", CLUSTER, 80e-6), row_of("broadcast", PHYSICAL, 100e-6)]
    matched = matching.across_files({"old": old, "new": new})

    assert sides(matched.pairs) == [(CLUSTER, CLUSTER, "new"), (PHYSICAL, PHYSICAL, "new")]
    assert matched.unpaired == ()


def test_cases_that_only_one_file_has_are_named() -> None:
    """Both removed and added cases are listed."""
    removed, new = row_of("dry-run", PHYSICAL, 1e-9), row_of("self-ipi", PHYSICAL, 1e-9)
    matched = matching.across_files({"old": [BEFORE, removed], "new": [BEFORE, new]})

    assert len(matched.pairs) == 1
    assert unpaired(matched) == [
        (removed.name.removesuffix(" wall"), "new", Reason.ONE_FILE),
        (new.name, "new", Reason.ONE_FILE),
    ]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"guest": "dense:160"}, id="guest"),
        pytest.param({"apic_ids": "0-39,64-103"}, id="apic-ids-behind-one-name"),
        pytest.param({"host_cpus": 40}, id="host-cpus"),
        pytest.param({"guest_bits": 32}, id="bits"),
        pytest.param({"shorthands": "yes"}, id="shorthands"),
        pytest.param({"target_state": "running"}, id="target-state"),
        pytest.param({"delivery": "kvm"}, id="delivery"),
        pytest.param({"site": "lab"}, id="site"),
        pytest.param({"series": "send"}, id="series"),
    ],
)
def test_a_case_is_never_matched_with_another(change: dict[str, object]) -> None:
    """All facts that tell cases apart are part of the key."""
    matched = matching.across_files(
        {"old": [BEFORE], "new": [row_of("broadcast", PHYSICAL, 1e-6, **change)]}
    )

    assert (matched.pairs, len(matched.unpaired)) == ((), 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"clock": "wall"}, "of different clocks are not ranked", id="clock"),
        pytest.param({"suite_version": 2}, "suites or versions of one are not", id="version"),
        pytest.param({"suite": "fanout"}, "suites or versions of one are not", id="suite"),
        pytest.param({"costs": "other"}, r"cost profiles .* --by costs", id="costs"),
        pytest.param({"costs_sha256": "ffff0000"}, r"ffff0000.* --by costs", id="edited-costs"),
    ],
)
def test_results_that_must_not_be_ranked_are_refused(
    change: dict[str, object], message: str
) -> None:
    """Times of different clocks are never ranked."""
    other = row_of("broadcast", PHYSICAL, 1e-6, **change)

    with pytest.raises(UsageError, match=message):
        matching.across_files({"old": [BEFORE], "new": [other]})
    with pytest.raises(UsageError, match=message):
        by_axis([BEFORE, other], "sender")


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


def test_an_unknown_baseline_is_refused_with_the_nearest() -> None:
    """The message also lists all sides."""
    with pytest.raises(UsageError, match=r"'x2apic-phys'\. Did you mean 'x2apic-physical'\? S"):
        by_axis(SENDERS, "sender", "x2apic-phys")


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
        pytest.param("shorthands", {"shorthands": "yes"}, "shorthands", id="shorthands"),
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


def test_a_prediction_is_paired_with_its_reference_across_clocks() -> None:
    """They match by workload, sender and guest, and are shown as a residual, never ranked."""
    published = row_of("broadcast", PHYSICAL, 198e-6, clock="wall", delivery="kvm")
    unknown = row_of("broadcast-lock", PHYSICAL, 198e-6, clock="wall")
    matched = matching.beside({"published": [published, unknown], "model": [BEFORE]})

    assert [(pair.before, pair.after) for pair in matched.pairs] == [(published, BEFORE)]


def test_a_case_that_loses_ipis_in_the_other_file_has_that_as_reason() -> None:
    """It has no time to acknowledgement there, because a sender that waits for it hangs."""
    lossy = row_of("broadcast", PHYSICAL, 1e-6, series="send", lost=32)
    matched = matching.across_files(
        {"old": [BEFORE], "new": []}, {"old": [BEFORE], "new": [lossy]}
    )

    assert unpaired(matched) == [(lossy.name.removesuffix(" send"), "new", Reason.LOST)]


def test_another_case_that_loses_ipis_does_not_explain_a_missing_case() -> None:
    """The case itself is missing; the other one is new."""
    lossy = row_of("broadcast", CLUSTER, 1e-6, series="send", lost=32)
    matched = matching.across_files(
        {"old": [BEFORE], "new": []}, {"old": [BEFORE], "new": [lossy]}
    )

    assert [(series.reason, series.verdict) for series in matched.unpaired] == [
        (Reason.ONE_FILE, "missing"),
        (Reason.LOST, "loses"),
    ]


def test_a_case_that_two_later_files_lack_is_missing_in_both() -> None:
    """Each of them is compared with the first file."""
    matched = matching.across_files({"old": [BEFORE], "new": [], "newest": []})

    assert [series.file for series in matched.unpaired] == ["new", "newest"]


def test_a_case_that_occurs_twice_is_in_no_pair() -> None:
    """It is not clear which of the two is meant."""
    rows = [BEFORE, row_of("broadcast", CLUSTER, 90e-6), row_of("dry-run", PHYSICAL, 1e-9)]
    repeated = row_of("dry-run", PHYSICAL, 2e-9)
    matched = matching.by_axis({"old": rows, "new": [repeated]}, "sender", None)

    assert sides(matched.pairs) == [(PHYSICAL, CLUSTER, CLUSTER)]
    assert [(series.name, series.reason) for series in matched.unpaired] == [
        (repeated.name, Reason.TWICE)
    ]


def test_files_that_hold_the_same_cases_are_refused_along_an_axis() -> None:
    """Two results for each case give no baseline."""
    with pytest.raises(UsageError, match="contain the same cases, so --by has two results"):
        matching.by_axis({"old": [BEFORE], "new": [BEFORE]}, "sender", None)


def test_a_prediction_takes_two_files() -> None:
    """One file is the reference, the other the prediction."""
    with pytest.raises(UsageError, match="--beside takes two files"):
        matching.beside({"a": [BEFORE], "b": [BEFORE], "c": [BEFORE]})
