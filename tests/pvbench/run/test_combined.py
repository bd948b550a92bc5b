"""A slice of a recording, from those of its sends."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.run.combined import combined
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench.workload import Drawn

COUNTS = Counts(
    icr_writes=4,
    hypercalls=2,
    returned=2,
    handlers=(0, 2, 4),
    coalesced=(0, 0, 2),
    functions=(0, 2, 4),
    exits=6,
)


def slice_of(ticks: int | None, loops: int = 2, **fields: Any) -> SliceResult:
    """A slice of one send that takes *ticks*."""
    times = {} if ticks is None else {"send": Distribution.of([ticks, ticks])}
    return SliceResult(**{"loops": loops, "distributions": times, "counts": COUNTS, **fields})


def test_the_time_is_the_sum_of_sending() -> None:
    """Each send takes it as often as it occurs; one that interrupts no CPU takes none."""
    result = combined((3, 1, 9), (slice_of(100), slice_of(7), slice_of(None)))

    assert result.loops == 1
    assert sorted(result.distributions) == ["send", "wall"]
    assert {times.median for times in result.distributions.values()} == {307}
    assert result.assumed == {}


def test_a_recording_that_interrupts_no_cpu_has_no_time() -> None:
    """Nothing is sent."""
    assert combined((2,), (slice_of(None, assumed={"ack": 0.5}),)).distributions == {}
    assert combined((2,), (slice_of(None, assumed={"ack": 0.5}),)).assumed == {}


def test_the_assumed_part_is_weighted_by_time() -> None:
    """A long send counts more."""
    parts = (slice_of(100, assumed={"send": 0.5}), slice_of(300, assumed={"send": 0.1}))

    assert combined((3, 1), parts).assumed["wall"] == pytest.approx((150 + 30) / 600)


def test_counts_are_those_of_one_iteration() -> None:
    """A slice has several iterations."""
    counts = combined((3, 5), (slice_of(1), slice_of(1, loops=1))).counts

    assert counts == Counts(
        icr_writes=3 * 2 + 5 * 4,
        hypercalls=3 + 5 * 2,
        returned=3 + 5 * 2,
        handlers=(0, 3 + 10, 6 + 20),
        coalesced=(0, 0, 3 + 10),
        functions=(0, 3 + 10, 6 + 20),
        exits=3 * 3 + 5 * 6,
    )


def test_a_count_that_the_host_cannot_show_of_one_send_is_unknown() -> None:
    """It is not 0."""
    unknown = attrs.evolve(COUNTS, icr_writes=None, coalesced=None)
    counts = combined((1, 1), (slice_of(1), slice_of(1, counts=unknown))).counts

    assert (counts.icr_writes, counts.coalesced, counts.hypercalls) == (None, None, 2)


def test_targets_have_a_state_if_all_sends_prove_it() -> None:
    """Otherwise it is unknown."""
    same = combined((1, 1), (slice_of(1, target_state="running"),) * 2)
    mixed = combined((1, 1), (slice_of(1, target_state="running"), slice_of(1)))

    assert (same.target_state, mixed.target_state) == ("running", "unknown")


def test_a_sample_leaves_an_interval() -> None:
    """Half of it, as a part of the time, is a fact of the slice."""
    drawn = Drawn(stratum="a", sends=4, drawn=2, times=1)
    parts = (slice_of(100), slice_of(300))

    error = combined((2, 2), parts, (drawn, drawn)).facts["sampling_error"]
    assert error == pytest.approx(1.96 * (4 * 2 / 2 * 20_000) ** 0.5 / 800)
    assert combined((2, 2), parts).facts == {}


def test_the_clock_and_the_facts_of_the_slice_stay() -> None:
    """They are the same for all sends."""
    one = slice_of(1, ticks_per_second=5, facts={"execution": "ops"})
    result = combined((1,), (one,))

    assert (result.ticks_per_second, result.facts) == (5, {"execution": "ops"})
