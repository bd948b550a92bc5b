"""`pvbench ab --resume` of a session with another plan."""

from __future__ import annotations

from support.runs import Cli

QUICK = ("ab", "norov", "--driver", "x2apic-physical", "--vcpus", "4", "-q", "-o", "x.json")


def test_a_session_that_is_not_resumed_prints_no_comparison(cli: Cli) -> None:
    """The files hold an older comparison, which is not that of the options."""
    first = cli(*QUICK, "--sender", "native", "-k", "normal")
    refused = cli(*QUICK, "--sender", "kvm-pv", "-k", "normal", "--resume")
    resumed = cli(*QUICK, "--sender", "native", "-k", "normal", "--resume")

    assert (refused.status, refused.out) == (2, "")
    assert "x-a.json holds another run" in refused.err
    assert resumed.out == first.out != ""
