"""
The hypercalls that were proposed in 2018, in the KVM of a kernel that has them.

No test builds it, so these tests run only if PVBENCH_REQUIRE names proposals.
"""

from __future__ import annotations

from typing import Final

import pytest

from pvbench.results.files import read
from pvbench.results.rows import Row, rows
from support.lab import proposals, why_no_proposals
from support.require import skip_without
from support.runs import Cli

LONGEST_S = 1800.0  # of a boot, on a machine that is very busy
GUESTS: Final = ("dense:8", "interleaved:8")
# The hypercalls of a broadcast in each of these guests, and the targets that it loses.
CALLS: Final = {
    "kvm-pv": ((1, 0), (4, 0)),
    "kvm-pv128-v3": ((1, 0), (1, 4)),
    "kvm-pv-cluster128": ((1, 0), (2, 0)),
    "kvm-pv-cluster192": ((1, 0), (1, 0)),
}
PARAMETERS: Final = {
    "kvm-pv": "merged",
    "kvm-pv128-v3": "v3",
    "kvm-pv-cluster128": "cluster128",
    "kvm-pv-cluster192": "cluster192",
}


@pytest.fixture
def measured(cli: Cli) -> list[Row]:
    """The senders of the discussion in a dense and in an interleaved guest of 8 vCPUs."""
    skip_without("proposals", why_no_proposals(), means=True)
    output = cli(
        *("run", "proposals", "-q", "--site", f"lab:{proposals()}", "--delivery", "kvm"),
        *("--sender", ",".join(CALLS), "--driver", "x2apic-physical", "--fast"),
        *("--guest", GUESTS[0], "--guest", GUESTS[1], "--timeout", str(LONGEST_S)),
        *("-o", "a.json"),
    )
    assert output.status == 0, output.err
    return rows(read("a.json"))


def test_one_kernel_serves_the_hypercalls_of_all_proposals(measured: list[Row]) -> None:
    """Each boot sets what its guest calls; the counts are those of the discussion."""
    results = {
        (row.fact("sender"), row.fact("guest")): (row.fact("hypercalls"), row.fact("lost"))
        for row in measured
    }
    parameters = {row.fact("sender"): row.fact("pv_ipi_abi") for row in measured}

    assert results == {
        (sender, guest): result
        for sender, pair in CALLS.items()
        for guest, result in zip(GUESTS, pair, strict=True)
    }
    assert parameters == PARAMETERS
    assert {row.fact("icr_writes_traced") for row in measured} == {0}
    assert {row.fact("stand_in") for row in measured} == {None}
    assert {row.kind for row in measured} == {"emulated"}


def test_boots_that_start_at_different_times_have_equal_paths(measured: list[Row]) -> None:
    """Of each sender in each guest and series: within 0.1 %."""
    assert {row.fact("series") for row in measured} >= {"send", "ack", "wall"}
    for row in measured:
        first, second = row.boots_s

        assert first == pytest.approx(second, rel=1e-3)
