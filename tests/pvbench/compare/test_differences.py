"""Differences between result files other than their times."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.compare import differences
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL = "x2apic-physical"
OLD = row_of("broadcast", PHYSICAL, 2e-9)
HOST = {
    "host_cpu_model": "Xeon",
    "host_microcode": "0x1",
    "host_kvm.halt_poll_ns": "200000",
    "host_vulnerability.mds": "Mitigation: Clear CPU buffers",
}


def row(**facts: Any) -> Row:
    """The same case as OLD with some facts changed."""
    return row_of("broadcast", PHYSICAL, 3e-9, **facts)


def of_origin(*files: Row) -> dict[str, tuple[str, ...]]:
    """Differences of software and host between files of one row each."""
    return {
        difference.fact: difference.values
        for difference in differences.of_origin([[row] for row in files])
    }


def of_cases(*files: Row) -> dict[str, tuple[str, ...]]:
    """Differences of the cases."""
    return {
        difference.fact: difference.values
        for difference in differences.of_cases([[row] for row in files])
    }


def test_software_that_differs_is_named_with_each_value() -> None:
    """A difference of software explains more than any number."""
    assert of_origin(OLD, row(version="0.2.0")) == {"version": ("0.1.0", "0.2.0")}
    assert of_origin(OLD, OLD) == {}


@pytest.mark.parametrize("fact", HOST)
def test_hosts_are_compared(fact: str) -> None:
    """CPU, microcode, halt polling and mitigations decide what an exit costs."""
    assert of_origin(row(**HOST), row(**HOST | {fact: "other"})) == {
        fact: (HOST[fact], "other")
    }


def test_a_missing_fact_is_not_a_difference() -> None:
    """A published file has no plugin version, and a modelled file no host."""
    assert of_origin(row(sender_plugin=None), OLD) == {}
    assert of_origin(row(**HOST), OLD) == {}


def test_an_unknown_fact_is_not_a_difference() -> None:
    """Unknown is not a value."""
    files = row(host_governor="unknown"), row(host_governor="performance")

    assert of_origin(*files) == {}


def test_of_three_files_two_that_differ_are_enough() -> None:
    """The third file, which lacks the fact, has an empty value."""
    files = OLD, row(version=None), row(version="0.2.0")

    assert of_origin(*files) == {"version": ("0.1.0", "", "0.2.0")}


def test_every_value_of_a_file_is_named_once() -> None:
    """One file has senders of two plugins."""
    two_plugins = [OLD, row(sender_plugin="acme 1"), row(sender_plugin="acme 1")]
    (difference,) = differences.of_origin([two_plugins, [OLD]])

    assert difference.values == ("acme 1, pvbench 0.1.0", "pvbench 0.1.0")


def test_an_axis_that_one_file_does_not_have_differs() -> None:
    """No rows of these files match, and this line is the explanation."""
    assert of_cases(OLD, row(execution="ops")) == {"execution": ("-", "ops")}


def test_the_host_and_the_software_are_not_axes() -> None:
    """A case is the same on every host."""
    assert of_cases(OLD, row(version="0.2.0", **HOST)) == {}


def test_a_file_without_rows_has_no_different_cases() -> None:
    """The others are compared with each other."""
    ops = row(execution="ops")

    assert list(differences.of_cases([[OLD], []])) == []
    assert list(differences.of_cases([[OLD], [], [ops]])) == [
        differences.Difference("execution", ("-", "-", "ops"))
    ]
