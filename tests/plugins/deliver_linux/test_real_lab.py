"""
The whole of it on real kvm-amd: Linux guests in a lab, which QEMU emulates.

Counts, the canary and voids are real there; times are not shown.  It takes minutes, so it
runs only if PVBENCH_REQUIRE names pv-on-off.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvbench.results.files import read
from pvbench.results.rows import Row, rows
from support.lab import kernel, why_no_lab
from support.require import skip_without
from support.runs import Cli

CACHE = Path.home() / ".cache"  # it has the kernels of the lab and of the guest


@pytest.fixture
def measured(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Row]:
    """The results of a pair, by stack and workload."""
    named = "pv-on-off" in os.environ.get("PVBENCH_REQUIRE", "").split(",")
    reason = why_no_lab() if named else "PVBENCH_REQUIRE does not name pv-on-off"
    skip_without("pv-on-off", reason, means=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    output = cli(
        *("run", "pv-on-off", "-q", "--site", f"lab:{kernel()},clock=tsc,cpus=4"),
        *("--vcpus", "6", "--host-cpus", "3", "--driver", "x2apic-physical", "--boots", "1"),
        *("--workload", "membarrier:3:50,futex:50", "--targets", "halted"),
        *("--timeout", "3000", "-o", "a.json"),
    )
    assert output.status == 0, output.err
    return {
        (row.fact("stack"), row.fact("workload")): row
        for row in rows(read("a.json"))
        if row.fact("series") == "wall"
    }


def test_kvm_counts_what_a_linux_guest_sends(measured: dict[tuple[str, str], Row]) -> None:
    """Each membarrier to three CPUs is one hypercall, or three ICR writes of vector 0xfc."""
    on = measured["kvm-pv/x2apic-physical", "membarrier:3:50"]
    off = measured["x2apic-physical", "membarrier:3:50"]
    control = measured["kvm-pv/x2apic-physical", "futex:50"]

    assert 45 <= on.fact("hypercalls") <= 55
    assert off.fact("hypercalls") == 0
    assert "0xfc: 1" in off.fact("icr_writes_by_value")
    assert on.fact("canary_hypercalls") > 90
    assert off.fact("canary_hypercalls") == 0
    assert (control.fact("hypercalls"), control.fact("canary_hypercalls") > 90) == (0, True)
    assert not on.has_times
