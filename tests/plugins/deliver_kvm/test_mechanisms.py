"""The mechanisms that a program needs, derived from its ops."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pvbench.decode.sends import Route, Sends
from pvbench.dispatch import program
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst, Hypercall, IrqSave, MmioWrite, Op, Scan, WriteMem, WrMsr
from pvbench_deliver_kvm.probe.programs import PROBES, PROPOSALS
from pvbench_deliver_kvm.probe.programs import guest_of as guest_of_probes
from pvbench_deliver_kvm.support import mechanisms
from support.helpers import (
    ERAS,
    MASKS,
    NMI,
    bursts,
    decode,
    guest_of,
    guests,
    hits,
    only,
    stack_of,
)
from support.model_strategies import STACKS

X2APIC, XAPIC = guest_of((0, 1)), guest_of((0, 1), apic_mode="xapic")
FORMS = {
    Route.PHYSICAL: "physical",
    Route.LOGICAL: "logical",
    Route.SELF: "shorthand",
    Route.BROADCAST: "shorthand",
    Route.SELF_REGISTER: "self",
}
TRIED = [(group, name) for group, (_, _, programs) in PROBES.items() for name in programs]


@pytest.mark.parametrize(
    ("guest", "op", "expected"),
    [
        pytest.param(X2APIC, WrMsr(0x830, 1 << 32 | 0xFB), ["x2apic-physical"], id="icr"),
        pytest.param(X2APIC, WrMsr(0x830, 2 << 32 | 0x8FB), ["x2apic-logical"], id="logical"),
        pytest.param(X2APIC, WrMsr(0x830, 0x4_00FB), ["x2apic-shorthand"], id="self"),
        pytest.param(X2APIC, WrMsr(0x830, 0xC_08FB), ["x2apic-shorthand"], id="all-but-self"),
        pytest.param(X2APIC, WrMsr(0x830, 0xC_0400), ["x2apic-nmi"], id="nmi"),
        pytest.param(X2APIC, WrMsr(0x83F, 0xFB), ["x2apic-self"], id="self-ipi"),
        pytest.param(XAPIC, MmioWrite(0xFEE0_0300, 0xFB), ["xapic-physical"], id="xapic"),
        pytest.param(XAPIC, MmioWrite(0xFEE0_0300, 0x8FB), ["xapic-logical"], id="flat"),
        pytest.param(XAPIC, MmioWrite(0xFEE0_0300, 0x8_00FB), ["xapic-shorthand"], id="all"),
        pytest.param(XAPIC, MmioWrite(0xFEE0_0300, 0x400), ["xapic-nmi"], id="xapic-nmi"),
        pytest.param(XAPIC, MmioWrite(0xFEE0_0310, 1 << 24), [], id="icr2-sends-nothing"),
        pytest.param(X2APIC, Scan(3), [], id="scan"),
        pytest.param(X2APIC, IrqSave(), [], id="interrupts-off"),
        pytest.param(X2APIC, WriteMem(0x800_0000, (0xFB,)), [], id="memory"),
    ],
)
def test_an_op_needs_at_most_one_mechanism(guest: Guest, op: Op, expected: list[str]) -> None:
    """An op that sends nothing needs none."""
    assert list(mechanisms((op,), guest)) == expected


BROADCAST = Burst(source=0, operation="smp_call_function_many", targets=(1, 2, 3))
ONE = Burst(source=0, operation="send_IPI", targets=(1,))
SELF = Burst(source=0, operation="send_IPI_self")
MANY = Burst(source=0, operation="send_IPI_mask", targets=(1, 64))
NMI_TO_ONE = Burst(source=0, operation="send_IPI_mask", targets=(1,), vector=NMI)


@pytest.mark.parametrize(
    ("stack", "burst", "expected"),
    [
        pytest.param("xapic-flat", BROADCAST, {"xapic-logical"}, id="flat"),
        pytest.param("xapic-flat", SELF, {"xapic-shorthand"}, id="flat-to-itself"),
        pytest.param("xapic-physical", BROADCAST, {"xapic-physical"}, id="xapic"),
        pytest.param("xapic-physical", NMI_TO_ONE, {"xapic-nmi"}, id="xapic-nmi"),
        pytest.param("x2apic-physical", BROADCAST, {"x2apic-physical"}, id="x2apic"),
        pytest.param("x2apic-physical", SELF, {"x2apic-self"}, id="to-itself"),
        pytest.param("x2apic-physical", NMI_TO_ONE, {"x2apic-nmi"}, id="nmi"),
        pytest.param("x2apic-cluster", BROADCAST, {"x2apic-logical"}, id="cluster"),
        pytest.param(
            "shorthand/x2apic-cluster", BROADCAST, {"x2apic-shorthand"}, id="shorthand"
        ),
        pytest.param(
            "shorthand/xapic-flat", BROADCAST, {"xapic-shorthand"}, id="xapic-shorthand"
        ),
        pytest.param("kvm-pv/x2apic-physical", BROADCAST, {"kvm-hypercall"}, id="pv"),
        pytest.param("kvm-pv/x2apic-physical", ONE, {"x2apic-physical"}, id="pv-to-one"),
        pytest.param("kvm-pv/x2apic-physical", NMI_TO_ONE, {"kvm-hypercall"}, id="pv-nmi"),
        pytest.param("kvm-pv-4.19/xapic-physical", BROADCAST, {"kvm-hypercall"}, id="4.19"),
        pytest.param("kvm-pv128-v3/x2apic-cluster", BROADCAST, {"kvm-hypercall"}, id="v3"),
        pytest.param(
            "kvm-pv-cluster128/x2apic-cluster",
            BROADCAST,
            {"kvm-hypercall"},
            id="128",
        ),
        pytest.param("hyperv-ipi/x2apic-cluster", ONE, {"hyperv-hypercall"}, id="hyperv"),
        pytest.param(
            "hyperv-ipi/x2apic-cluster", MANY, {"hyperv-hypercall-ex"}, id="hyperv-vp-64"
        ),
        pytest.param("kernel", BROADCAST, set(), id="kernel"),
    ],
)
def test_a_stack_needs_the_mechanisms_of_its_ops(
    stack: str, burst: Burst, expected: set[str]
) -> None:
    """They include those of the native driver below an overlay."""
    chosen = stack_of(stack)
    cpus = 65 if burst is MANY else 4
    guest = chosen.guest(guest_of(range(cpus)))

    ops = program(chosen, burst, guest, linux=MASKS).program

    assert expected == set(mechanisms(ops, guest))


def route(send: Sends, guest: Guest, *, page: bool) -> str:
    """The probe for the way in which a hypervisor handles an op."""
    if send.route == Route.HYPERCALL:
        stands_in = guest.hypercall_abi in ("kvm-v3", "kvm-cluster128")
        return f"{'kvm' if stands_in else guest.hypercall_abi}-hypercall{'-ex' * page}"
    form = "nmi" if send.vector == NMI else FORMS[send.route]
    return f"{guest.apic_mode}-{form}"


@given(data=st.data(), name=st.sampled_from(STACKS), linux=st.sampled_from(ERAS))
def test_mechanisms_are_the_routes_a_hypervisor_sees(
    data: st.DataObject, name: str, linux: LinuxEra
) -> None:
    """This holds for any burst; Xen's hypercalls are refused before that."""
    stack = stack_of(name)
    guest = data.draw(guests(stack))
    burst = data.draw(bursts(len(guest.apic_ids)))
    assume(guest.hypercall_abi != "xen" and stack.sender.why_refused(burst, guest) is None)
    ops = program(stack, burst, guest, linux=linux).program

    sends = decode(ops, guest, burst.source)
    page = guest.hypercall_abi == "hyperv" and bool(only(WriteMem, ops))

    assert {route(send, guest, page=page) for send in sends} == set(mechanisms(ops, guest))


def guest_of_probe(group: str, name: str) -> Guest:
    """The guest of *group* on a host that has the mechanism *name*."""
    guest = guest_of_probes(group)
    if name not in PROPOSALS:
        return guest
    return attrs.evolve(guest, hypercall_abi=PROPOSALS[name].hypercall_abi)


@pytest.mark.parametrize(("group", "name"), TRIED)
def test_a_probe_tries_the_mechanism_of_its_name(group: str, name: str) -> None:
    """It tries this one once, and no other."""
    guest = guest_of_probe(group, name)

    assert [name] == list(mechanisms(PROBES[group][2][name], guest, [guest.hypercall_abi]))


@pytest.mark.parametrize(("group", "name"), TRIED)
def test_a_probe_reaches_the_cpu_whose_handler_is_counted(group: str, name: str) -> None:
    """It is CPU 1, but the SELF IPI register sends to CPU 0; each proposal has its own CPU."""
    vector = NMI if name.endswith("nmi") else 0xFC
    own = {"x2apic-self": 0, "kvm-cluster128-hypercall": 2, "kvm-cluster192-hypercall": 3}

    assert [(vector, own.get(name, 1))] == hits(
        PROBES[group][2][name], guest_of_probe(group, name)
    )


@pytest.mark.parametrize(
    ("abi", "served", "expected"),
    [
        pytest.param("kvm-v3", ["kvm"], "kvm-hypercall", id="stand-in"),
        pytest.param("kvm-cluster128", ["kvm"], "kvm-hypercall", id="another-stand-in"),
        pytest.param("kvm-cluster192", ["kvm"], "kvm-cluster192-hypercall", id="no-stand-in"),
        pytest.param("kvm-v3", ["kvm", "kvm-v3"], "kvm-v3-hypercall", id="both"),
        pytest.param("kvm-v3", ["kvm-cluster192"], "kvm-hypercall", id="only-another"),
    ],
)
def test_a_proposed_hypercall_needs_itself_or_its_stand_in(
    abi: str, served: list[str], expected: str
) -> None:
    """The stand-in is the merged one, which a KVM of a proposal may not serve."""
    guest = guest_of((0, 1), hypercall_abi=abi)
    program = (Hypercall(10, (2, 0, 0, 0xFC)),)

    assert list(mechanisms(program, guest, served)) == [expected]


def test_probe_names_are_unique() -> None:
    """Results are kept by name."""
    names = [name for _, name in TRIED]

    assert sorted(set(names)) == sorted(names)
