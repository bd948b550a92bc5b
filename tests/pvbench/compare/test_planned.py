"""The sentence that a run prints before it measures: the boots that its pairs need."""

from __future__ import annotations

import pytest

from pvbench.compare.planned import pairs_of, sentence, spread_of
from pvbench.results import schema
from pvbench.results.noise import Conditions, Line
from support.runs import broadcast, case_of


def facts(stack: str) -> dict[str, object]:
    """The facts of a case."""
    return dict(schema.case_facts(case_of(stack, broadcast())))


def test_pairs_are_those_of_compare_by_sender() -> None:
    """Three senders make two pairs; the workload that only one has makes none."""
    cases = [facts(f"{overlay}x2apic-physical") for overlay in ("", "kvm-pv/", "shorthand/")]

    assert pairs_of(cases) == 2
    assert pairs_of([*cases, cases[0] | {"target_state": "running"}]) == 2
    assert pairs_of(cases[:1]) == 0
    assert pairs_of([]) == 0


def test_the_sentence_has_the_number_of_boots_and_where_the_spread_is_from() -> None:
    """The usual spread is an assumption, and a measured one says so."""
    usual = sentence(pairs=20, boots=10, spread=None)
    measured = sentence(pairs=1, boots=3, spread=0.5)

    assert usual == (
        "20 pairs of senders: a difference of 5 % takes 8 boots to be detected in 90 % of the "
        "runs, if the standard deviation between boots is 2 %; this run has 10"
    )
    assert measured.startswith("1 pair of senders: ")
    assert measured.endswith(
        "as `pvbench noise` measured that the standard deviation between boots is 50 %; this "
        "run has 3"
    )


def test_no_number_of_boots_may_be_enough() -> None:
    """Above a thousand none is promised."""
    assert "takes more than 1000 boots to be detected" in sentence(
        pairs=300, boots=10, spread=2
    )


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        pytest.param(
            {
                "x wall median": 0.1,
                "y wall median": 0.2,
                "z wall median": 0.9,
                "x ack median": 0.8,
            },
            0.2,
            id="some",
        ),
        pytest.param({"z wall median": 0.9}, None, id="none"),
    ],
)
def test_the_largest_measured_spread_of_the_cases_counts(
    measured: dict[str, float], expected: float | None
) -> None:
    """The headline has it."""
    conditions = Conditions(host={}, effort={"slices": 4.0}, boots=10)
    line = Line(kind="boots", host={}, effort={"slices": 4.0}, boots=10, values=measured)

    assert spread_of(["x", "y"], [line], conditions) == expected
