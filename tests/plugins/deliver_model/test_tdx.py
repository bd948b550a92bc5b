"""A guest of Intel TDX, on the command line."""

from __future__ import annotations

import json

import pytest

from pvbench.guest import Guest
from pvbench_deliver_model.host_era import why_not_in_td
from support.runs import Cli

RUN = ("run", "norov", "--fast", "-q", "--vcpus", "4", "--costs", "tdx", "-k", "*.broadcast")


@pytest.mark.parametrize(
    ("mode", "abi", "reason"),
    [
        pytest.param("x2apic", "kvm", "", id="kvm"),
        pytest.param("x2apic", "kvm-cluster128", "", id="a-proposal-for-kvm"),
        pytest.param("xapic", "kvm", "a TD of Intel TDX has no xAPIC", id="xapic"),
        pytest.param("x2apic", "hyperv", "KVM serves no hypercalls of Hyper-V", id="hyperv"),
        pytest.param("x2apic", "xen", "KVM serves no hypercalls of Xen", id="xen"),
    ],
)
def test_a_td_has_an_x2apic_and_the_hypercalls_of_kvm(mode: str, abi: str, reason: str) -> None:
    """KVM creates its vCPUs in x2APIC mode and dispatches to no other interface."""
    guest = Guest(name="dense:2", apic_ids=range(2), apic_mode=mode, hypercall_abi=abi)

    assert (why_not_in_td(guest) or "").startswith(reason)
    assert bool(why_not_in_td(guest)) == bool(reason)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(
            ("--sender", "native", "--driver", "xapic-flat"), "has no xAPIC", id="xapic"
        ),
        pytest.param(("--sender", "hyperv-ipi"), "no hypercalls of Hyper-V", id="hyperv"),
        pytest.param(("--sender", "xen-evtchn"), "no hypercalls of Xen", id="xen"),
    ],
)
def test_what_a_td_lacks_is_unsupported_with_the_reason(
    cli: Cli, options: tuple[str, ...], reason: str
) -> None:
    """Each run has no other sender, so it ends without a result."""
    output = cli(*RUN, *options)

    assert output.status != 0
    assert reason in " ".join(output.err.split())


def test_pv_ipis_of_kvm_run_in_a_td(cli: Cli) -> None:
    """They cost 6000 cycles for each hypercall."""
    assert cli(*RUN, "--sender", "native,kvm-pv", "--driver", "x2apic-physical").status == 0


def test_in_a_td_a_hypercall_for_one_target_beats_the_icr_write(cli: Cli) -> None:
    """The write also raises #VE; with an ordinary exit it takes the fast path and wins."""
    times = {}
    for costs in ("tdx", "skylake-fastpath"):
        output = cli(
            *("run", "norov", "--fast", "-q", "--json", "--vcpus", "4", "--costs", costs),
            *("--linux", "6.12", "--sender", "native,kvm-pv-single", "-k", "*.normal-ipi"),
            *("--driver", "x2apic-physical"),
        )
        rows = json.loads(output.out)["series"]
        times[costs] = {
            row["sender"]: row["value_s"] for row in rows if row["series"] == "send"
        }

    assert times["tdx"]["kvm-pv-single"] < times["tdx"]["native"]
    assert times["skylake-fastpath"]["native"] < times["skylake-fastpath"]["kvm-pv-single"]
