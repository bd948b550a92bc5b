"""Outcomes of single cases, for programs that collect the results of tests."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import attrs

from pvbench.text import printable


class Result(Enum):
    """The outcome of one case."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # it has no outcome
    EXPECTED_FAILURE = "expected failure"  # the sender is known to fail here


@attrs.frozen
class Check:
    """
    The outcome of one case.

    Args:
        reason: why it did not pass, or what was measured; it may be empty.
    """

    name: str = attrs.field(converter=printable)
    result: Result
    reason: str = attrs.field(default="", converter=printable)


def _checks(checks: Iterable[Check]) -> tuple[Check, ...]:
    return tuple(checks)


@attrs.frozen
class Checks:
    """The outcomes of the cases of a document; only formats for tests print them."""

    checks: tuple[Check, ...] = attrs.field(converter=_checks)
