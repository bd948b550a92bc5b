"""What a lab adds to a description, and what it leaves out."""

from __future__ import annotations

from pvbench.delivery import Clock, Description
from pvbench_site_lab.address import parsed
from pvbench_site_lab.describe import described_in_lab


def test_a_parameter_that_the_agent_sets_is_no_fact_of_the_host() -> None:
    """Each boot has the value that it ran with."""
    host = {"kvm.pv_ipi_abi": "cluster192", "kvm.halt_poll_ns": "200000"}
    inside = Description(clock=Clock("tsc", None, "noisy"), host=host)

    described = described_in_lab(inside, parsed("6.12"), {"qemu": "9.9"})

    assert described.host == {"kvm.halt_poll_ns": "200000", "qemu": "9.9"}
