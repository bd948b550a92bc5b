"""Errors: what happened, why, what the user can do, and the exit status."""

from __future__ import annotations

import pytest

from pvbench.errors import (
    PvbenchError,
    SenderError,
    Status,
    UnavailableError,
    UsageError,
    unknown,
    worst,
)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, "no such disk", id="what"),
        pytest.param({"why": "it is full"}, "no such disk: it is full", id="and-why"),
        pytest.param({"fix": "Buy one."}, "no such disk. Buy one.", id="and-what-to-do"),
        pytest.param(
            {"why": "it is full.", "fix": "Buy one."},
            "no such disk: it is full. Buy one.",
            id="one-full-stop-between-sentences",
        ),
    ],
)
def test_a_message_consists_of_what_why_and_fix(parts: dict[str, str], expected: str) -> None:
    """The message is built from the parts that are given."""
    assert expected == str(PvbenchError("no such disk", **parts))


def test_the_parts_of_a_message_are_fields() -> None:
    """A program may need only one of them."""
    error = PvbenchError("what", why="why", fix="fix")

    assert (error.what, error.why, error.fix) == ("what", "why", "fix")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(PvbenchError, 2, id="any"),
        pytest.param(UsageError, 2, id="usage"),
        pytest.param(UnavailableError, 5, id="environment"),
        pytest.param(SenderError, 6, id="proof"),
    ],
)
def test_each_kind_of_error_has_its_exit_status(
    error: type[PvbenchError], expected: int
) -> None:
    """2 means usage or bad input, 5 the environment, 6 a failed proof or check."""
    assert expected == error("what").status


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        pytest.param([], 0, id="none-is-ok"),
        pytest.param([0, 3], 3, id="nothing-measured-over-ok"),
        pytest.param([3, 4], 4, id="inconclusive-over-nothing-measured"),
        pytest.param([4, 1], 1, id="regression-over-inconclusive"),
        pytest.param([1, 2], 2, id="usage-over-regression"),
        pytest.param([2, 5], 5, id="environment-over-usage"),
        pytest.param([5, 6], 6, id="proof-over-environment"),
        pytest.param([0, 1, 2, 3, 4, 5, 6], 6, id="proof-over-all"),
    ],
)
def test_the_status_with_precedence_applies(statuses: list[int], expected: int) -> None:
    """The order of precedence is 6, 5, 2, 1, 4, 3, 0."""
    assert expected == worst(Status(status) for status in statuses)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "kvm-pw",
            "there is no sender called 'kvm-pw'. Did you mean 'kvm-pv'? See the list.",
            id="near-miss",
        ),
        pytest.param(
            "zzz", "there is no sender called 'zzz'. See the list.", id="nothing-near"
        ),
    ],
)
def test_an_unknown_name_suggests_the_nearest(name: str, message: str) -> None:
    """The user need not search a list after a typing error."""
    error = unknown("sender", name, ["kvm-pv", "x2apic-physical"], "See the list.")

    assert (message, UsageError) == (str(error), type(error))


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        pytest.param("haltet", ("halted", "polling"), "'halted'", id="near"),
        pytest.param("sleeping", ("halted", "polling"), "", id="another-word"),
        pytest.param("--output", ("--host-cpus",), "", id="only-the-dashes"),
        pytest.param("--target", ("--targets",), "'--targets'", id="an-option"),
    ],
)
def test_only_a_name_that_is_near_is_suggested(
    name: str, names: tuple[str, ...], expected: str
) -> None:
    """A wrong suggestion is worse than none."""
    text = str(unknown("name", name, names))

    assert ("Did you mean" in text) == bool(expected)
    assert expected in text
