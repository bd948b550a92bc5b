"""KTAP: a line for each case, as the kernel's tools read it."""

from __future__ import annotations

import pytest

from pvbench.checks import Check, Checks, Result
from pvbench.document import Document, Heading
from pvbench.errors import UsageError
from pvbench.report import ktap


def test_each_result_has_its_line() -> None:
    """The plan stands before the results, and directives are those of KTAP."""
    checks = [
        Check("one", Result.PASSED),
        Check("two", Result.FAILED, "void: counts differ"),
        Check("three", Result.SKIPPED, "no x2APIC"),
        Check("four", Result.EXPECTED_FAILURE, "loses 3 of 79 IPIs"),
    ]

    assert ktap.render(Document([Heading("x"), Checks(checks)])).splitlines() == [
        "KTAP version 1",
        "1..4",
        "ok 1 one",
        "not ok 2 two # void: counts differ",
        "ok 3 three # SKIP no x2APIC",
        "ok 4 four # XFAIL loses 3 of 79 IPIs",
    ]


def test_a_name_cannot_add_a_directive_or_a_line() -> None:
    """Names come from plugins and files."""
    text = ktap.render(Document([Checks([Check("a # SKIP\nnot ok 9 b", Result.FAILED)])]))

    assert text.splitlines()[2:] == ["not ok 1 a _ SKIP not ok 9 b"]


def test_an_output_without_cases_is_refused() -> None:
    """An empty list of tests would pass."""
    with pytest.raises(UsageError, match="has no outcomes of cases"):
        ktap.render(Document([Heading("x")]))
