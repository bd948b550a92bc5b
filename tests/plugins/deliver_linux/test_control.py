"""The lines of the guest, which is untrusted."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pvbench.errors import WorkerError
from pvbench.slice_result import Distribution
from pvbench_deliver_linux.control import answer_of

TIMES = "times bystander 2 300 150.0 200.0 100 200 100 100"


def test_an_answer_has_times_by_series() -> None:
    """The guest computes quantiles and the histogram as this process would."""
    answer = answer_of(["wall 1000", "operations 7", TIMES])

    assert (answer.wall_ns, answer.operations) == (1000, 7)
    assert answer.times == {"bystander": Distribution.of([100, 200])}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["wall 1"], id="no-operations"),
        pytest.param(["wall -1", "operations 1"], id="negative"),
        pytest.param([f"wall {'9' * 30}", "operations 1"], id="huge"),
        pytest.param(["wall", "operations 1"], id="no-number"),
        pytest.param(["", "wall 1", "operations 1"], id="empty-line"),
        pytest.param(["wall 1", "operations 1", "times other 1"], id="other-series"),
        pytest.param(["wall 1", "operations 1", "times operation 1 2"], id="cut"),
        pytest.param(["wall 1", "operations 1", TIMES.replace("200.0", "50.0")], id="order"),
        pytest.param(
            ["wall 1", "operations 1", TIMES.replace("100 100", "100 x")], id="histogram"
        ),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(lines: list[str]) -> None:
    """One sentence says so."""
    with pytest.raises(WorkerError, match="the guest's answer makes no sense"):
        answer_of(lines)


@given(st.lists(st.text(max_size=30), max_size=4))
@example(["wall 1.5", "operations 1"])
def test_any_other_text_is_refused(lines: list[str]) -> None:
    """No text of the guest raises another exception."""
    with pytest.raises(WorkerError):
        answer_of(lines)
