"""The stored results of a lab: real KVM code gave the counts that the decoder derives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pvbench.results import files as result_files
from pvbench.results.rows import Row, rows
from pvbench.run.static_check import check
from pvbench.topology import parse_guest
from support.helpers import MASKS, bundled, stack_of

ROOT = Path(__file__).parents[2]
SENDERS = ("kvm-pv", "kvm-pv128-v3", "kvm-pv-cluster128", "kvm-pv-cluster192")
PATCHES = "0001-pv-ipi-abi.patch, 0002-v3.patch, 0003-cluster128.patch, 0004-cluster192.patch"
PARAMETER = {  # the value of kvm.pv_ipi_abi for each hypercall ABI of a guest
    "kvm": "merged",
    "hyperv": "merged",  # it does not matter
    "kvm-v3": "v3",
    "kvm-cluster128": "cluster128",
    "kvm-cluster192": "cluster192",
}
# Hypercalls of one broadcast by the SENDERS, and the IPIs that kvm-pv128-v3 loses.
HYPERCALLS = {
    "dense:8": (1, 1, 1, 1, 0),
    "interleaved:8": (4, 1, 2, 1, 4),
    "interleaved:32": (16, 1, 2, 1, 16),
    "interleaved:128": (64, 1, 2, 1, 64),
    "ids:112-143": (1, 1, 2, 1, 16),
    "ids:176-207": (1, 1, 1, 2, 31),
}


def lab_rows() -> list[Row]:
    """Every series of the file."""
    return rows(result_files.read("published:proposals-6.12"))


def sends() -> list[Row]:
    """One row for each case; lost IPIs leave no other series."""
    return [row for row in lab_rows() if row.fact("series") == "send"]


CASES = [pytest.param(row, id=f"{row.fact('stack')}-{row.fact('guest')}") for row in sends()]


@pytest.mark.parametrize("row", CASES)
def test_the_counts_of_the_lab_are_those_of_the_decoder(row: Row) -> None:
    """ICR writes, hypercalls, handler runs and lost IPIs of one burst."""
    stack = stack_of(row.fact("stack"))
    guest = stack.guest(parse_guest(row.fact("guest")))
    bursts = bundled().workload(row.fact("workload")).bursts(guest)
    assert not isinstance(bursts, str)
    (burst,) = bursts

    expected = check(stack, burst, guest, linux=MASKS)

    counts = [row.fact(name) for name in ("icr_writes", "hypercalls", "handlers", "lost")]
    assert counts == [
        expected.icr_writes,
        expected.hypercalls,
        len(expected.cpus),
        len(expected.lost),
    ]


@pytest.mark.parametrize("row", CASES)
def test_the_lab_served_each_hypercall_as_proposed(row: Row) -> None:
    """Nothing stands in for a proposal, and the guest computed the ops itself."""
    assert row.fact("stand_in") is None
    assert row.fact("execution") == "algorithm"
    assert row.fact("pv_ipi_abi") == PARAMETER[row.fact("hypercall_abi")]


@pytest.mark.parametrize("guest", HYPERCALLS)
def test_the_lab_gives_the_hypercalls_of_each_proposal(guest: str) -> None:
    """No sender is missing in a guest, and only version 3 loses IPIs."""
    results = {row.fact("sender"): row for row in sends() if row.fact("guest") == guest}

    hypercalls = [results[sender].fact("hypercalls") for sender in SENDERS]
    lost = [results[sender].fact("lost") for sender in SENDERS]
    *expected, lost_by_v3 = HYPERCALLS[guest]
    assert (hypercalls, lost) == (expected, [0, lost_by_v3, 0, 0])


SLOPES = {
    "hypercall": (("kvm-pv", "dense:8"), ("kvm-pv", "interleaved:8"), 3),
    "ICR write": (("x2apic-cluster", "dense:8"), ("x2apic-cluster", "interleaved:8"), 1),
    "target": (("kvm-pv128-v3", "ids:176-207"), ("kvm-pv128-v3", "dense:8"), 7),
}


@pytest.mark.parametrize("thing", SLOPES)
def test_the_page_states_what_one_more_costs_the_sender(thing: str) -> None:
    """It is the difference of two paths, divided by the difference of their counts."""
    paths = {
        (row.fact("stack").partition("/")[0], row.fact("guest")): row.value_s for row in sends()
    }
    shorter, longer, more = SLOPES[thing]
    slope_us = (paths[longer] - paths[shorter]) / more * 1e6
    page = (ROOT / "docs/thread-2018.md").read_text()

    assert re.search(rf"^\| {thing} \|.*\| {slope_us:.2f} us \|$", page, re.MULTILINE)


@pytest.mark.parametrize("row", CASES)
def test_two_boots_of_the_lab_give_equal_counts(row: Row) -> None:
    """Counts that differ between boots would be stored as a median with a fraction."""
    counts = [row.fact(name) for name in ("icr_writes", "hypercalls", "handlers", "lost")]

    assert row.boots == (1, 2)
    assert counts == [int(count) for count in counts]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        pytest.param("exactness", "near-exact", id="path-lengths"),
        pytest.param("site", "lab:6.12-proposals", id="site"),
        pytest.param("delivery", "kvm", id="real-kvm"),
        pytest.param("host_lab_patches", PATCHES, id="patches"),
    ],
)
def test_the_facts_of_the_lab_say_how_it_was_made(fact: str, expected: Any) -> None:
    """The kernel, its patches and the clock."""
    assert {row.fact(fact) for row in lab_rows()} == {expected}
