"""Rules of KVM that depend on the Linux and the processor of the host."""

from __future__ import annotations

import pytest

from pvbench.guest import Guest
from pvbench_deliver_model import host_era
from pvbench_deliver_model.host_era import HostRule, icr_fastpath, in_guest, last_vcpu_id
from support.model import call, case_of, cost_profile_of, cpus, run_case
from support.runs import Cli

RULES = [rule for rule in vars(host_era).values() if isinstance(rule, HostRule)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.commit)
def test_each_rule_names_its_commit_and_says_what_it_does(rule: HostRule) -> None:
    """A rule that was read has a hash; another one has the subject of its commit."""
    assert len(rule.commit) >= 12
    assert rule.effect.endswith(".")


@pytest.mark.parametrize(
    ("host_linux", "expected"),
    [("5.5", "none"), ("5.6", "physical"), ("6.17", "physical"), ("6.18", "any")],
)
def test_the_fast_path_of_icr_writes_follows_from_the_host(
    host_linux: str, expected: str
) -> None:
    """5.10 is later than 5.6, since versions are numbers."""
    assert expected == icr_fastpath(cost_profile_of(host_linux=host_linux))
    assert icr_fastpath(cost_profile_of(host_linux="5.10")) == "physical"


@pytest.mark.parametrize(
    ("host", "mode", "last_id", "expected"),
    [
        pytest.param("avic 5.8 AMD 17h", "xapic", 3, "avic", id="xapic"),
        pytest.param("avic 5.8 AMD 17h", "x2apic", 3, "emulated", id="x2apic-inhibits"),
        pytest.param("avic 6.17 AMD 17h", "xapic", 3, "avic-exits", id="erratum-1235"),
        pytest.param("avic 6.16 AMD 17h", "xapic", 3, "avic", id="before-the-erratum"),
        pytest.param("avic 6.17 Hygon 18h", "xapic", 3, "avic-exits", id="hygon"),
        pytest.param("avic 6.17 AMD 19h", "xapic", 3, "avic", id="without-the-erratum"),
        pytest.param("avic 6.17 AMD 19h", "xapic", 255, "emulated", id="beyond-254"),
        pytest.param("x2avic 6.17 AMD 19h", "x2apic", 255, "avic", id="x2avic-255"),
        pytest.param("x2avic 6.17 AMD 19h", "x2apic", 511, "avic", id="x2avic-511"),
        pytest.param("x2avic 6.17 AMD 19h", "x2apic", 512, "emulated", id="x2avic-512"),
        pytest.param("x2avic 5.19 AMD 19h", "x2apic", 3, "emulated", id="before-6.0"),
        pytest.param("x2avic 5.19 AMD 19h", "xapic", 3, "avic", id="xapic-before-6.0"),
        pytest.param("apicv 6.17 Intel 06h", "x2apic", 600, "apicv", id="no-avic"),
    ],
)
def test_the_local_apic_of_a_guest_follows_from_host_and_guest(
    host: str, mode: str, last_id: int, expected: str
) -> None:
    """AVIC is inhibited for the whole VM, whichever vCPU is the reason."""
    local_apic, host_linux, family = host.split(" ", 2)
    profile = cost_profile_of(local_apic=local_apic, host_linux=host_linux, cpu_family=family)
    guest = Guest(name="ids", apic_ids=(0, 1, last_id), apic_mode=mode)

    assert expected == in_guest(profile, guest).local_apic


@pytest.mark.parametrize(
    ("local_apic", "host_linux", "expected"),
    [
        pytest.param("avic", "6.16", 254, id="avic"),
        pytest.param("x2avic", "6.16", 511, id="x2avic"),
        pytest.param("x2avic", "5.19", 254, id="before-x2avic"),
        pytest.param("avic", "6.17", None, id="inhibited-instead"),
        pytest.param("apicv", "5.6", None, id="no-avic"),
    ],
)
def test_before_6_17_kvm_refuses_a_vcpu_beyond_the_table_of_avic(
    local_apic: str, host_linux: str, expected: int | None
) -> None:
    """See KVM_CREATE_VCPU, which fails with EINVAL there."""
    profile = cost_profile_of(local_apic=local_apic, host_linux=host_linux)

    assert expected == last_vcpu_id(profile)


IDS_600 = Guest(name="ids:0-7,600", apic_ids=(*range(8), 600))


def test_with_an_id_beyond_x2avic_every_send_of_the_vm_exits() -> None:
    """Eight writes exit eight times, as with no AVIC at all."""
    case = case_of("x2apic-physical", IDS_600, call(0, *range(1, 9)))
    exits = [
        run_case(case, cost_profile_of(local_apic=name, host_linux="6.17"))[1].counts.exits
        for name in ("x2avic", "emulated")
    ]

    assert exits == [8, 8]


@pytest.mark.parametrize("state", ["running", "halted"])
def test_with_erratum_1235_each_send_to_another_vcpu_exits(state: str) -> None:
    """Three xAPIC writes are three exits, although all targets run."""
    profile = cost_profile_of(local_apic="avic", host_linux="6.17", cpu_family="AMD 17h")
    case = case_of("xapic-physical", cpus(4), call(0, 1, 2, 3), state=state)

    assert run_case(case, profile)[1].counts.exits == 3


def test_with_erratum_1235_a_running_vcpu_still_receives_without_an_exit() -> None:
    """300 for the doorbell and 50 for the entry, no kick of 700; the exit takes 601 more."""
    profile = cost_profile_of(local_apic="avic", host_linux="6.17", cpu_family="AMD 17h")
    case = case_of("xapic-physical", cpus(2), call(0, 1))
    times = run_case(case, profile)[1].distributions

    assert times["deliver"].mean - times["send"].mean == 300 + 50 - 600 - 1


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("avic 5.8 AMD 17h", "KVM inhibits AVIC in x2APIC guests", id="rome"),
        pytest.param("avic 6.17 AMD 17h", "From Linux 6.17 on, erratum 1235", id="erratum"),
        pytest.param("x2avic 5.19 AMD 19h", "KVM inhibits AVIC in x2APIC", id="before-x2avic"),
        pytest.param("x2avic 6.8 AMD 19h", "", id="x2avic"),
        pytest.param("apicv 5.8 Intel 06h", "", id="no-avic"),
    ],
)
def test_a_note_says_where_avic_does_not_send(host: str, expected: str) -> None:
    """It is printed below the tables of each run with such a cost profile."""
    local_apic, host_linux, family = host.split(" ", 2)
    profile = cost_profile_of(local_apic=local_apic, host_linux=host_linux, cpu_family=family)
    (sentence,) = tuple(host_era.notes(profile)) or ("",)

    assert sentence.startswith(expected)
    assert bool(sentence) == bool(expected)


def test_a_vcpu_that_kvm_refuses_is_unsupported_with_the_reason(cli: Cli) -> None:
    """The user reads which ID it is, up to which Linux, and where the table ends."""
    selection = ("--sender", "native", "--driver", "x2apic-physical", "--workload", "broadcast")
    run = cli("run", "scale", "--costs", "epyc-rome-avic", "--guest", "ids:0-7,600", *selection)

    assert (
        "KVM with AVIC refuses vCPU ID 600 before Linux 6.17 (commit 1aa6e256e46f), because "
        "AVIC's table ends with 254" in " ".join(run.err.split())
    )
