"""What a result file can hold."""

from __future__ import annotations

import pytest

from pvbench.errors import ProtocolError
from pvbench.results import storable

PLAIN = "is not a finite number or a text of at most 100000 characters"


@pytest.mark.parametrize(
    ("name", "fact", "why"),
    [
        pytest.param("pvbench_x", "", f"pvbench_x {PLAIN}", id="empty"),
        pytest.param("pvbench_x", " ", f"pvbench_x {PLAIN}", id="blank"),
        pytest.param("pvbench_x", "a\nb", f"pvbench_x {PLAIN}", id="two-lines"),
        pytest.param("pvbench_x", "x" * 100_001, f"pvbench_x {PLAIN}", id="long"),
        pytest.param("pvbench_x", float("nan"), f"pvbench_x {PLAIN}", id="nan"),
        pytest.param("pvbench_x", 1e300, f"pvbench_x {PLAIN}", id="huge"),
        pytest.param("pvbench_x", 1 << 63, f"pvbench_x {PLAIN}", id="huge-integer"),
        pytest.param("pvbench_clock", 1, "clock is not a text", id="number-for-text"),
        pytest.param("pvbench_vcpus", "8", "vcpus is not a number of 0 or more", id="text"),
        pytest.param("pvbench_vcpus", -1, "vcpus is not a number of 0 or more", id="negative"),
    ],
)
def test_a_fact_that_a_file_cannot_hold_is_named(name: str, fact: object, why: str) -> None:
    """pyperf or the reader would refuse it."""
    assert next(storable.fact_defects({name: fact}, storable.kinds()), "") == why
    with pytest.raises(ProtocolError, match=f"^a test cannot be stored: {why}"):
        storable.check({name: fact}, "a test")


@pytest.mark.parametrize("fact", ["a", " a\n", 0, -1, 1e290, -0.5, (1 << 63) - 1])
def test_other_facts_are_stored(fact: object) -> None:
    """pyperf takes blanks from the ends of a text."""
    storable.check({"pvbench_x": fact, "cpu_count": 1}, "a test")


@pytest.mark.parametrize(
    ("seconds", "count"), [((1e-15, 1e290), 0), ((1e-16, 1.0), 1), ((1e291,), 1)]
)
def test_times_are_neither_tiny_nor_huge(seconds: tuple[float, ...], count: int) -> None:
    """A ratio of two of them can be computed."""
    assert len(list(storable.time_defects(seconds))) == count
