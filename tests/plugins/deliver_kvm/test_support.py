"""The tasks a host can run, and a reason for each it cannot."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.delivery import Algorithm, Description, Task
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.run.prepared import prepare
from pvbench.testing.cases import case_of
from pvbench_deliver_kvm.delivery import CLOCK, KvmDelivery
from pvbench_deliver_kvm.probe.programs import PROBES, PROPOSALS
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.support import why_unsupported
from support.helpers import bundled, guest_of, stack_of
from support.kvm import PATIENCE_S
from support.model import call, cpus, mask

PROBED = (name for _, _, programs in PROBES.values() for name in programs)
NAMES = sorted(set(PROBED) - set(PROPOSALS))
SPINS = "{} vCPUs would spin at the same time, but at most {} may on a host with {}"
SLOW = "it does not return within 1.8 s"


def description_here(
    *,
    failed_probes: tuple[str, ...] = (),
    probes: dict[str, str] | None = None,
    software: bool = False,
    execution: str = "algorithm",
    **limits: int,
) -> Description:
    """An unpatched host of 4 CPUs; all mechanisms work except the *failed_probes* ones."""
    working = dict.fromkeys(NAMES, "") | dict.fromkeys(failed_probes, SLOW)
    return Description(
        clock=CLOCK,
        probes=working if probes is None else probes,
        limits={"max_vcpus": 6, "max_vcpu_id": 300, "usable_cpus": 4} | limits,
        worker_data=Settings(
            execution=execution, software=software, patience_s=PATIENCE_S
        ).encoded(),
    )


def task_of(
    *bursts: Burst,
    sender: str = "x2apic-physical",
    guest: Guest | None = None,
    state: str = "halted",
) -> tuple[Guest, Task]:
    """A checked case as the delivery is asked about it."""
    case = case_of(stack_of(sender), guest or cpus(4), *bursts, target_state=state)
    return case.guest, prepare(case).task


def test_a_plain_broadcast_can_run() -> None:
    """Nothing is asked of the host that it lacks."""
    assert why_unsupported(*task_of(call(0, 1, 2, 3)), description_here()) is None


@pytest.mark.parametrize(
    ("fits", "too_much", "expected"),
    [
        pytest.param(
            cpus(6), cpus(7), "this KVM supports at most 6 vCPUs", id="one-vcpu-too-many"
        ),
        pytest.param(
            guest_of((0, 299)),
            guest_of((0, 300)),
            "APIC IDs must be below 300 on this KVM",
            id="one-apic-id-too-high",
        ),
        pytest.param(
            cpus(2),
            cpus(2, bits=32),
            "in a 32-bit guest only the raw programs of `pvbench verify` can run",
            id="32-bits",
        ),
        pytest.param(
            cpus(2),
            cpus(2, host_cpus=1),
            "choose host CPUs with --cpu-list, not with --host-cpus",
            id="host-cpus",
        ),
        pytest.param(
            cpus(3),
            cpus(3, offline=(2,)),
            "all CPUs of a guest that boots on KVM go online",
            id="offline",
        ),
        pytest.param(
            cpus(2),
            cpus(2, logical_ids=(1, 0)),
            "KVM derives logical x2APIC IDs from the APIC IDs",
            id="logical-ids",
        ),
        pytest.param(
            cpus(2, vp_indexes=(1, 0)),
            cpus(2, vp_indexes=(1, 0), hypercall_abi="hyperv"),
            "the guest's code takes CPU numbers for VP indexes",
            id="vp-indexes",
        ),
    ],
)
def test_a_guest_must_fit_this_kvm(fits: Guest, too_much: Guest, expected: str) -> None:
    """The last that fits, and the first that does not."""
    reasons = [
        why_unsupported(*task_of(call(0, 1), guest=g), description_here())
        for g in (fits, too_much)
    ]

    assert [None, expected] == reasons


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param({"max_vcpus": 3}, "this KVM supports at most 3 vCPUs", id="vcpus"),
        pytest.param({"max_vcpu_id": 3}, "APIC IDs must be below 3 on this KVM", id="ids"),
        pytest.param({"usable_cpus": 2}, SPINS.format(4, 1, "2 usable CPUs"), id="cpus"),
    ],
)
def test_a_site_that_lowers_a_limit_has_it_observed(
    limits: dict[str, int], expected: str
) -> None:
    """The delivery keeps no second copy of `Description.limits`."""
    generous = description_here(usable_cpus=5)
    lowered = attrs.evolve(generous, limits=generous.limits | limits)
    task = task_of(call(0, 1), state="running")
    reasons = [KvmDelivery().why_unsupported(*task, d) for d in (generous, lowered)]

    assert reasons == [None, expected]


# The hypercalls that work on a host of each kind, as probes find out.
HOSTS = {
    "unpatched": ["kvm"],
    "v3": ["kvm-v3"],
    "cluster128": ["kvm-v3", "kvm-cluster128"],
    "cluster192": ["kvm-cluster192"],
    "lab": ["kvm", "kvm-v3", "kvm-cluster128", "kvm-cluster192"],
}
# The ABI of each sender, and the hosts that run it.
ABIS: dict[str, tuple[str, set[str]]] = {
    "kvm-pv": ("kvm", {"unpatched", "lab"}),
    "kvm-pv-4.19": ("kvm", {"unpatched", "lab"}),
    "kvm-pv-single": ("kvm", {"unpatched", "lab"}),
    "kvm-pv128-v3": ("kvm-v3", {"unpatched", "v3", "cluster128", "lab"}),
    "kvm-pv-cluster128": ("kvm-cluster128", {"unpatched", "cluster128", "lab"}),
    "kvm-pv-cluster192": ("kvm-cluster192", {"cluster192", "lab"}),
    "hyperv-ipi": ("hyperv", set(HOSTS)),
    "xen-evtchn": ("xen", set()),
}


def probes_of(host: str) -> dict[str, str]:
    """The results of the probes on one of HOSTS, which does not name what it need not serve."""
    probes = {name: "" for name in NAMES if not name.startswith("kvm-")}
    probes |= {"kvm-hypercall": SLOW}
    return probes | {f"{abi}-hypercall": "" for abi in HOSTS[host]}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("overlay", ABIS)
def test_a_hypercall_needs_a_host_that_serves_it_or_its_stand_in(
    overlay: str, host: str
) -> None:
    """The stand-in for a proposal of 2018 is the merged hypercall; Xen's has none."""
    guest, task = task_of(call(0, 1, 2, 3), sender=f"{overlay}/x2apic-physical")
    abi, hosts = ABIS[overlay]
    another = f"this KVM serves hypercall ABI {', '.join(HOSTS[host])}, not {abi}"
    reason = "KVM does not implement hypercall ABI xen" if abi == "xen" else another

    assert why_unsupported(guest, task, description_here(probes=probes_of(host))) == (
        None if host in hosts else reason
    )


@pytest.mark.parametrize("host", HOSTS)
def test_a_native_sender_runs_whatever_hypercalls_the_host_serves(host: str) -> None:
    """It needs none of them."""
    guest, task = task_of(call(0, 1))

    assert why_unsupported(guest, task, description_here(probes=probes_of(host))) is None


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ("kvm-pv", f"kvm-hypercall does not work on this host: {SLOW}"),
        ("kvm-pv128-v3", f"kvm-hypercall does not work on this host: {SLOW}"),
        (
            "kvm-pv-cluster192",
            "kvm-cluster192-hypercall does not work on this host: KVM does not serve it",
        ),
    ],
)
def test_where_no_hypercall_works_the_reason_is_that_of_its_probe(
    overlay: str, expected: str
) -> None:
    """It is that of the stand-in where there is one."""
    guest, task = task_of(call(0, 1), sender=f"{overlay}/x2apic-physical")
    probes = {"kvm-hypercall": SLOW}

    assert why_unsupported(guest, task, description_here(probes=probes)) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("unpatched", "this KVM serves hypercall ABI kvm, not kvm-v3"),
        ("v3", None),
        ("cluster128", None),
    ],
)
def test_no_stand_in_translates_the_registers_of_a_raw_program(
    host: str, expected: str | None
) -> None:
    """It knows the hypercalls of the senders only."""
    guest, task = task_of(call(0, 1, 2, 3), sender="kvm-pv128-v3/x2apic-physical")
    raw = attrs.evolve(task, mechanism="icr", algorithm=None)

    assert why_unsupported(guest, raw, description_here(probes=probes_of(host))) == expected


def test_a_proposal_may_work_where_nothing_was_probed() -> None:
    """A plan does not probe, so it cannot refuse."""
    guest, task = task_of(call(0, 1), sender="kvm-pv-cluster192/x2apic-physical")
    unprobed = attrs.evolve(description_here(), probes=None)

    assert why_unsupported(guest, task, unprobed) is None


def test_every_bundled_hypercall_abi_is_listed() -> None:
    """A new one belongs into the table above."""
    overlays = {name for name, s in bundled().overlays.items() if s.mechanism == "hypercall"}

    assert overlays == set(ABIS)


def test_a_kernel_s_own_ipis_are_for_live() -> None:
    """The guest here is not a Linux kernel."""
    guest, task = task_of(call(0, 1), sender="kernel")

    assert (
        why_unsupported(guest, task, description_here())
        == "sender `kernel` needs a running Linux kernel: use --delivery live"
    )


def test_the_reason_of_a_failed_probe_is_reported() -> None:
    """If several failed, it is the first of them by name."""
    task = task_of(call(0, 1), sender="kvm-pv/x2apic-physical")
    broken = description_here(failed_probes=("x2apic-physical", "kvm-hypercall"))

    assert why_unsupported(*task, broken) == f"kvm-hypercall does not work on this host: {SLOW}"


@pytest.mark.parametrize(
    ("sender", "broken", "expected"),
    [
        pytest.param("kvm-pv", "kvm-hypercall", True, id="kvm"),
        pytest.param("hyperv-ipi", "hyperv-hypercall", True, id="hyperv"),
        pytest.param("hyperv-ipi", "kvm-hypercall", False, id="another-s"),
        pytest.param("shorthand", "x2apic-shorthand", False, id="no-hypercall"),
    ],
)
def test_a_hypercall_must_work_even_where_a_burst_needs_none(
    sender: str, broken: str, expected: bool
) -> None:
    """Either all cases of a sender run, or none."""
    task = task_of(call(0), sender=f"{sender}/x2apic-physical")

    assert expected is (
        why_unsupported(*task, description_here(failed_probes=(broken,))) is not None
    )


def test_a_mechanism_without_a_probe_is_unsupported() -> None:
    """The probe results may be those of another version."""
    expected = "x2apic-physical does not work on this host: it was not probed"

    assert why_unsupported(*task_of(call(0, 1)), description_here(probes={})) == expected


HALTED = "targets cannot spin on a KVM without hardware virtualization: add --targets halted"


@pytest.mark.parametrize(
    ("state", "bursts", "usable", "expected"),
    [
        ("running", (call(0, 1),), 5, None),
        ("running", (call(0, 1),), 4, SPINS.format(4, 3, "4 usable CPUs")),
        ("running", (call(0, 1),), 1, SPINS.format(4, 1, "1 usable CPU")),
        ("halted", (call(0, 1),), 1, None),
        ("halted", (call(0, 1), call(2, 3)), 3, None),
        ("halted", (call(0, 1), call(2, 3)), 2, SPINS.format(2, 1, "2 usable CPUs")),
        ("halted", (call(0, 1), call(2, 3)), 1, SPINS.format(2, 1, "1 usable CPU")),
    ],
)
def test_spinning_vcpus_leave_a_cpu_free(
    state: str, bursts: tuple[Burst, ...], usable: int, expected: str | None
) -> None:
    """All four vCPUs of a guest that runs; the sources of one that halts, but one may."""
    task = task_of(*bursts, state=state)

    assert why_unsupported(*task, description_here(usable_cpus=usable)) == expected


@pytest.mark.parametrize(("state", "expected"), [("running", HALTED), ("halted", None)])
def test_software_kvm_has_halted_targets_only(state: str, expected: str | None) -> None:
    """Its emulator would occupy all CPUs, however many there are."""
    task = task_of(call(0, 1), state=state)

    assert why_unsupported(*task, description_here(software=True, usable_cpus=1000)) == expected


def test_sources_follow_one_protocol() -> None:
    """A guest either has call queues or has none."""
    task = task_of(call(0, 1), mask(2, 3))

    assert (
        why_unsupported(*task, description_here())
        == "all sources must follow the same protocol"
    )


SHARED = (
    "sources share targets, so the ops depend on call queues at run time and "
    "cannot be computed beforehand"
)
UNKNOWN = Algorithm(driver="x2apic-physical", overlay="of-somebody-else")
ON_A_TARGET = (call(0, 1, 2), call(3, 2))


@pytest.mark.parametrize("execution", ["algorithm", "ops"])
@pytest.mark.parametrize(
    ("bursts", "can_run_ops"),
    [
        pytest.param(ON_A_TARGET, False, id="shared-target"),
        pytest.param((call(0, 1), call(1, 2)), False, id="one-is-the-other-s-target"),
        pytest.param((call(0, 1), call(3, 2)), True, id="apart"),
        pytest.param((mask(0, 1, 2), mask(3, 2)), True, id="without-call-queues"),
        pytest.param((call(0, 1),), True, id="alone"),
    ],
)
def test_sources_that_share_targets_do_not_run_from_a_list_of_ops(
    bursts: tuple[Burst, ...], can_run_ops: bool, execution: str
) -> None:
    """A target whose call queue was not empty gets no IPI, and only the guest knows that."""
    expected = SHARED if execution == "ops" and not can_run_ops else None

    assert why_unsupported(*task_of(*bursts), description_here(execution=execution)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, None, id="as-it-is"),
        pytest.param({"algorithm": UNKNOWN}, SHARED, id="unknown-overlay"),
        pytest.param({"algorithm": Algorithm(driver="mine")}, SHARED, id="unknown-driver"),
        pytest.param({"algorithm": None}, SHARED, id="no-algorithm"),
        pytest.param({"algorithm": None, "lossy": True}, None, id="lossy"),
    ],
)
def test_a_sender_without_code_in_the_guest_is_replayed(
    change: dict[str, Any], expected: str | None
) -> None:
    """A lossy task uses no call queue, because lost entries would stay in it forever."""
    guest, task = task_of(*ON_A_TARGET)

    assert why_unsupported(guest, attrs.evolve(task, **change), description_here()) == expected


def test_reasons_about_the_guest_come_before_those_about_the_task() -> None:
    """A user who fixes one reason must not get a more basic one next."""
    guest = cpus(7)
    task = task_of(*ON_A_TARGET, guest=guest, sender="xen-evtchn/x2apic-physical")

    reason = why_unsupported(
        *task, description_here(execution="ops", failed_probes=tuple(NAMES), usable_cpus=1)
    )

    assert reason == "this KVM supports at most 6 vCPUs"
