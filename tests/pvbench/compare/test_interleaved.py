"""Files of one session of `pvbench ab` are compared pair by pair."""

from __future__ import annotations

import attrs
import pytest

from pvbench.compare.comparison import Comparison, compare
from pvbench.compare.interleaved import free_axes
from pvbench.compare.question import Question
from pvbench.results.rows import Row
from support.runs import row_of

NATIVE, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
# Eight boots of one machine; it gets slower all the time.
DRIFT = tuple(1e-6 * (1 + boot / 10) for boot in range(8))
PAIRS = tuple(range(1, 9))


def side(
    file: str,
    times: float = 1,
    stack: str = NATIVE,
    *,
    session: str = "s",
    boots: tuple[int, ...] = PAIRS,
    **facts: object,
) -> Row:
    """A broadcast, *times* as long as DRIFT."""
    row = row_of(
        "broadcast", stack, *(times * DRIFT[boot - 1] for boot in boots), clock="wall", **facts
    )
    return attrs.evolve(row, file=file, boots=boots, sessions=len(boots) * (session,))


def compared(*rows: Row) -> Comparison:
    """The files of these rows, each with one."""
    return compare({row.file: [row] for row in rows}, Question())


def verdict(*rows: Row) -> str:
    """Of the only pair."""
    (pair,) = compared(*rows).pairs
    return pair.verdict


def test_boots_of_one_session_are_pairs() -> None:
    """Drift hits both sides of a pair, so 20 % are found."""
    assert verdict(side("a"), side("b", 0.8)) == "faster"


@pytest.mark.parametrize("session", ["t", ""], ids=["another-session", "none"])
def test_boots_of_other_sessions_are_not(session: str) -> None:
    """They were not adjacent."""
    assert verdict(side("a"), side("b", 0.8, session=session)) == "inconclusive"


def test_only_whole_pairs_count() -> None:
    """Boot 1 of one side and boot 8 of the other have no partner."""
    rows = side("a", boots=PAIRS[:-1]), side("b", 0.8, boots=PAIRS[1:])
    (pair,) = compared(*rows).pairs

    assert pair.judged is not None
    assert pair.verdict == "faster"
    assert pair.judged.low == pytest.approx(1.25)
    assert pair.judged.high == pytest.approx(1.25)


def test_a_session_without_a_whole_pair_has_too_few_boots() -> None:
    """Its sides were interleaved all the same, so no allowance decides."""
    rows = side("a", boots=(1, 2)), side("b", 0.8, PV, boots=(3, 4))
    (pair,) = compared(*rows).pairs

    assert pair.judged is not None
    assert pair.judged.reason == "0 boots are too few for a verdict, which needs 6"


def test_sides_may_differ_in_the_axis_that_is_compared() -> None:
    """Each side has one sender; without a session they would not match."""
    native, pv = side("a"), side("b", 0.8, PV)

    assert free_axes({"a": [native], "b": [pv]}) == ("sender",)
    assert verdict(native, pv) == "faster"
    assert compared(native, side("b", 0.8, PV, session="t")).pairs == ()


def test_sides_may_have_other_cost_profiles() -> None:
    """Runs of their own with different costs are not ranked."""
    other = side("b", 0.8, costs="epyc-rome-avic", costs_sha256="1")

    assert verdict(side("a"), other) == "faster"


def test_an_axis_with_several_values_on_a_side_is_not_free() -> None:
    """It tells the cases of that side apart."""
    files = {"a": [side("a"), side("a", 1, PV)], "b": [side("b", 1, "xen/x2apic-physical")]}

    assert free_axes(files) == ()


def test_a_loss_of_the_other_side_is_seen_across_the_difference() -> None:
    """The lossy sender has no wall time, and so no pair."""
    lossy = side("b", 1, PV, lost=32, series="send")
    ok = side("a")
    result = compare({"a": [ok, side("a", series="send")], "b": [lossy]}, Question())

    assert [series.detail for series in result.unpaired] == ["loses 32 of 79 IPIs"]
