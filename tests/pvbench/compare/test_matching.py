"""Matching of rows that differ only in their file."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pvbench.compare import matching
from pvbench.compare.axis import by_axis
from pvbench.compare.matching import Matches
from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import Reason
from pvbench.errors import UsageError
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)


def sides(pairs: Sequence[Pair]) -> list[tuple[object, ...]]:
    """(stack before, stack after, side) of each pair."""
    return [(p.before.fact("stack"), p.after.fact("stack"), p.side) for p in pairs]


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
        pytest.param({"linux": "5.4"}, id="linux"),
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
        by_axis({"file": [BEFORE, other]}, "sender", None)


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


def test_a_prediction_takes_two_files() -> None:
    """One file is the reference, the other the prediction."""
    with pytest.raises(UsageError, match="--beside takes two files"):
        matching.beside({"a": [BEFORE], "b": [BEFORE], "c": [BEFORE]})
