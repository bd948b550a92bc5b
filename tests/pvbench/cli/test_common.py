"""Options that several commands share: lists of CPUs in the format of taskset."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.cli.common import cpu_list


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        pytest.param("0", (0,), id="one"),
        pytest.param("0-3,7", (0, 1, 2, 3, 7), id="a-range-and-one"),
        pytest.param("5-5", (5,), id="a-range-of-one"),
        pytest.param("7,0-1", (7, 0, 1), id="in-the-order-written"),
        pytest.param("007", (7,), id="leading-zeros"),
        pytest.param("999999", (999_999,), id="six-digits"),
    ],
)
def test_cpus_are_written_as_for_taskset(text: str, cpus: tuple[int, ...]) -> None:
    """vCPU i runs on the i-th of them, so the order is the user's."""
    assert cpus == cpu_list(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "'' is not a list of CPUs: write 0-3,7", id="empty"),
        pytest.param(",", "'' is not a list of CPUs", id="comma"),
        pytest.param("0,", "'' is not a list of CPUs", id="comma-at-the-end"),
        pytest.param("0,,1", "'' is not a list of CPUs", id="two-commas"),
        pytest.param("all", "'all' is not a list of CPUs", id="word"),
        pytest.param("-1", "'-1' is not a list of CPUs", id="negative"),
        pytest.param("1-", "'1-' is not a list of CPUs", id="without-an-end"),
        pytest.param("0-3-5", "'0-3-5' is not a list of CPUs", id="three-ends"),
        pytest.param("0, 1", "' 1' is not a list of CPUs", id="space"),
        pytest.param("0x1", "'0x1' is not a list of CPUs", id="hex"),
        pytest.param("\u0661", "'\u0661' is not a list of CPUs", id="digit-of-another-script"),
        pytest.param("1\n", r"'1\\n' is not a list of CPUs", id="line-end"),
        pytest.param("1000000", "'1000000' is not a list of CPUs", id="seven-digits"),
        pytest.param("0,0", "'0,0' names a CPU twice", id="twice"),
        pytest.param("0-3,2", "'0-3,2' names a CPU twice", id="twice-by-a-range"),
        pytest.param("0-65536", "a list of CPUs has at most 65536", id="too-many"),
        pytest.param("0-9,0-65530", "a list of CPUs has at most 65536", id="too-many-in-all"),
        pytest.param("3-1", "'3-1' is an empty range: write 1-3", id="backwards"),
        pytest.param("0,3-1", "'3-1' is an empty range: write 1-3", id="one-backwards"),
    ],
)
def test_a_malformed_list_of_cpus_is_refused(text: str, why: str) -> None:
    """The message quotes the user's text and gives the correct form."""
    with pytest.raises(argparse.ArgumentTypeError, match=why):
        cpu_list(text)


RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), min_size=1, max_size=5)


@given(RANGES)
def test_a_list_is_its_ranges_one_after_another(ranges: list[tuple[int, int]]) -> None:
    """Each CPU once, or none of it is taken."""
    text = ",".join(
        f"{first}-{first + length}" if length else f"{first}" for first, length in ranges
    )
    cpus = [first + step for first, length in ranges for step in range(length + 1)]

    if sorted(set(cpus)) == sorted(cpus):
        assert cpu_list(text) == tuple(cpus)
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="names a CPU twice"):
            cpu_list(text)
