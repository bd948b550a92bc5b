"""Comparing: rows that differ in one axis only, or in their file, or not at all."""

from __future__ import annotations

import pytest

from pvbench.compare import pairs as case_pairs
from pvbench.compare import status
from pvbench.compare.pairs import Pair
from pvbench.errors import UsageError
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)


def pair(after: Row, before: Row = BEFORE) -> Pair:
    """*after* against *before*."""
    return Pair(baseline="old", side="new", before=before, after=after)


def sides(pairs: list[Pair]) -> list[tuple[object, ...]]:
    """(stack before, stack after, side) of each pair."""
    return [(p.before.fact("stack"), p.after.fact("stack"), p.side) for p in pairs]


def test_a_speed_ratio_of_two_and_a_half_is_a_time_reduction_of_60_percent() -> None:
    """The published 154 % were a speed ratio, not time saved: the two are kept apart."""
    found = pair(row_of("broadcast", PHYSICAL, 80e-6))

    assert (found.speed_ratio, found.time_reduction) == pytest.approx((2.5, 0.6))


def test_taking_twice_as_long_reduces_time_by_minus_100_percent() -> None:
    """Half the speed."""
    found = pair(row_of("broadcast", PHYSICAL, 400e-6))

    assert (found.speed_ratio, found.time_reduction) == pytest.approx((0.5, -1.0))


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [
        pytest.param(199.999999e-6, "faster", id="by-a-picosecond"),
        pytest.param(200e-6, "equal", id="to-the-last-bit"),
        pytest.param(200.000001e-6, "slower", id="longer-by-one"),
    ],
)
def test_an_exact_clock_is_compared_exactly(after_s: float, expected: str) -> None:
    """A model repeats itself: any difference is a change, no difference is none."""
    assert pair(row_of("broadcast", PHYSICAL, after_s)).verdict == expected


def test_a_noisy_clock_is_not_judged_by_one_number() -> None:
    """A difference of real time says nothing without its noise."""
    before = row_of("broadcast", PHYSICAL, 200e-6, clock="tsc")
    after = row_of("broadcast", PHYSICAL, 100e-6, clock="tsc")

    assert pair(after, before).verdict == "inconclusive"


def test_the_value_of_a_row_is_the_median_of_its_boots() -> None:
    """The boot is the unit of replication; a mean would follow one bad boot."""
    assert row_of("broadcast", PHYSICAL, 1e-6, 9e-6, 2e-6).value_s == 2e-6


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param({}, "79w", id="equal"),
        pytest.param({"icr_writes": 5.0}, "79w -> 5w", id="fewer-writes"),
        pytest.param(
            {"icr_writes": 0.0, "hypercalls": 1.0}, "79w -> 1h", id="hypercall-instead"
        ),
        pytest.param({"icr_writes": 0.0}, "79w -> 0", id="nothing-sent"),
        pytest.param({"lost": 32}, "79w -> 79w 32 lost", id="loss"),
        pytest.param({"icr_writes": 2.5}, "79w -> 2.5w", id="a-mean-of-loops"),
        pytest.param({"icr_writes": None, "hypercalls": None}, "79w -> unknown", id="not-told"),
    ],
)
def test_counts_are_compared_by_equality(
    counts: dict[str, float | None], expected: str
) -> None:
    """Exact counts, of one iteration: w is ICR writes, h hypercalls."""
    assert pair(row_of("broadcast", PHYSICAL, 1e-6, **counts)).counts == expected


def test_files_are_matched_by_what_the_cases_are() -> None:
    """By metadata, whatever the order of the rows."""
    old = [BEFORE, row_of("broadcast", CLUSTER, 90e-6)]
    new = [row_of("broadcast", CLUSTER, 80e-6), row_of("broadcast", PHYSICAL, 100e-6)]
    pairs, alone = case_pairs.across_files({"old": old, "new": new})

    assert sides(pairs) == [(CLUSTER, CLUSTER, "new"), (PHYSICAL, PHYSICAL, "new")]
    assert alone == []


def test_cases_that_only_one_file_has_are_named() -> None:
    """Fewer and more cases are both worth a word."""
    gone, new = row_of("dry-run", PHYSICAL, 1e-9), row_of("self-ipi", PHYSICAL, 1e-9)
    pairs, alone = case_pairs.across_files({"old": [BEFORE, gone], "new": [BEFORE, new]})

    assert len(pairs) == 1
    assert alone == [f"{new.name} (new)", f"{gone.name} (baseline)"]


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
    """Whatever tells two cases apart keeps them apart."""
    pairs, alone = case_pairs.across_files(
        {"old": [BEFORE], "new": [row_of("broadcast", PHYSICAL, 1e-6, **change)]}
    )

    assert (pairs, len(alone)) == ([], 2)


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
def test_what_has_no_common_measure_is_refused(change: dict[str, object], message: str) -> None:
    """Times that differ in kind are never ranked."""
    other = row_of("broadcast", PHYSICAL, 1e-6, **change)

    with pytest.raises(UsageError, match=message):
        case_pairs.across_files({"old": [BEFORE], "new": [other]})
    with pytest.raises(UsageError, match=message):
        case_pairs.by_axis([BEFORE, other], "sender", None)


SENDERS = [
    row_of("broadcast", CLUSTER, 90e-6),
    BEFORE,
    row_of("broadcast", f"kvm-pv/{PHYSICAL}", 80e-6, hypercalls=1.0),
    row_of("dry-run", PHYSICAL, 24e-9),
]


def test_senders_are_compared_with_the_baseline_of_the_same_case() -> None:
    """A row without a partner on the baseline's side makes no pair."""
    pairs = case_pairs.by_axis(SENDERS, "sender", PHYSICAL)

    assert sides(pairs) == [
        (PHYSICAL, CLUSTER, CLUSTER),
        (PHYSICAL, f"kvm-pv/{PHYSICAL}", f"kvm-pv/{PHYSICAL}"),
    ]


def test_without_a_baseline_the_first_side_is_it() -> None:
    """The order of the file decides."""
    assert {p.baseline for p in case_pairs.by_axis(SENDERS, "sender", None)} == {CLUSTER}


def test_an_unknown_baseline_is_refused_with_the_nearest() -> None:
    """The sides are few enough to be listed."""
    with pytest.raises(UsageError, match=r"'x2apic-phys'\. Did you mean 'x2apic-physical'\? S"):
        case_pairs.by_axis(SENDERS, "sender", "x2apic-phys")


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
def test_each_axis_compares_what_differs_in_it_alone(
    axis: str, change: dict[str, object], expected: str
) -> None:
    """Everything else must be equal."""
    pairs = case_pairs.by_axis(
        [BEFORE, row_of("broadcast", PHYSICAL, 1e-6, **change)], axis, None
    )

    assert [p.side for p in pairs] == [expected]


def test_a_prediction_is_laid_beside_its_reference_across_clocks() -> None:
    """A residual, never a ranking: matched by what was sent, by whom and in which guest."""
    published = row_of("broadcast", PHYSICAL, 198e-6, clock="wall", delivery="kvm")
    unknown = row_of("broadcast-lock", PHYSICAL, 198e-6, clock="wall")

    assert [(p.before, p.after) for p in case_pairs.beside([published, unknown], [BEFORE])] == [
        (published, BEFORE)
    ]


@pytest.mark.parametrize(
    ("afters", "expected"),
    [
        pytest.param([], 3, id="nothing-compared"),
        pytest.param([(100e-6, 0)], 0, id="faster"),
        pytest.param([(200e-6, 0)], 0, id="equal"),
        pytest.param([(100e-6, 0), (201e-6, 0)], 1, id="one-slower"),
        pytest.param([(100e-6, 1)], 1, id="faster-but-loses-one"),
    ],
)
def test_slower_or_losing_more_is_a_regression(
    afters: list[tuple[float, int]], expected: int
) -> None:
    """A faster sender that loses one IPI loses."""
    rows = [row_of("broadcast", PHYSICAL, after_s, lost=lost) for after_s, lost in afters]

    assert status.status([pair(row) for row in rows]) == expected


def test_a_noisy_clock_is_inconclusive() -> None:
    """Exit status 4: run more boots."""
    tsc = row_of("broadcast", PHYSICAL, 1e-6, clock="tsc")

    assert status.status([pair(tsc, tsc)]) == 4
