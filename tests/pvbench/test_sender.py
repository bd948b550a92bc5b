"""Stacks: which callbacks they call, and the guests that they need."""

from __future__ import annotations

import pytest

from pvbench.dispatch import program
from pvbench.linux_era import LinuxEra
from pvbench.ops import Hypercall
from pvbench.sender import Apic, Ops, Sender, Stack
from support.helpers import CURRENT, MASKS, burst_of, call_args, guest_of, only, sent, stack_of

FOUR = (10, 11, 12, 13)  # APIC IDs that are no CPU numbers


@pytest.mark.parametrize(
    ("driver", "calls", "overlaid"),
    [
        pytest.param("xapic-flat", 1, {"send_IPI_mask"}, id="flat-unicast-is-a-mask"),
        pytest.param("xapic-physical", 0, set(), id="xapic-physical-stays-native"),
        pytest.param("x2apic-physical", 0, set(), id="x2apic-physical-stays-native"),
        pytest.param("x2apic-cluster", 0, set(), id="x2apic-cluster-stays-native"),
    ],
)
def test_callbacks_call_each_other_through_the_stack(
    driver: str, calls: int, overlaid: set[str]
) -> None:
    """Only the flat driver's unicast calls apic->send_IPI_mask, which the overlay replaces."""
    sending = sent(f"kvm-pv/{driver}", burst_of("send_IPI", 2), FOUR)

    assert (calls, overlaid) == (len(call_args(sending.program)), set(sending.overlaid))


@pytest.mark.parametrize("driver", ["xapic-flat", "xapic-physical", "x2apic-physical"])
def test_a_native_mask_allbutself_does_not_call_the_overlay(driver: str) -> None:
    """Native drivers loop over the mask themselves."""

    class OnlyMask(Sender):
        name = "only-mask"
        summary = "for tests"

        def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
            yield Hypercall(1, cpus)

    stack = Stack(stack_of(driver).driver, OnlyMask())
    burst = burst_of("send_IPI_mask_allbutself", 0, 1, 2)

    sending = program(stack, burst, stack.guest(guest_of(FOUR)), linux=MASKS)

    assert (frozenset(), 0) == (sending.overlaid, len(only(Hypercall, sending.program)))


def test_stacks_are_written_overlay_slash_driver() -> None:
    """A native stack has the name of its driver."""
    names = [stack_of(n).name for n in ("kvm-pv/x2apic-cluster", "x2apic-cluster")]

    assert names == ["kvm-pv/x2apic-cluster", "x2apic-cluster"]


def test_the_sender_of_a_stack_is_its_overlay_or_else_its_driver() -> None:
    """Cases are compared by `Stack.sender`."""
    names = [stack_of(n).sender.name for n in ("kvm-pv/x2apic-cluster", "x2apic-cluster")]

    assert names == ["kvm-pv", "x2apic-cluster"]


@pytest.mark.parametrize(
    ("name", "mode", "abi"),
    [
        pytest.param("xapic-flat", "xapic", "kvm", id="driver-keeps-the-abi"),
        pytest.param("x2apic-cluster", "x2apic", "kvm", id="x2apic"),
        pytest.param("shorthand/x2apic-cluster", "x2apic", "kvm", id="shorthand-any-abi"),
        pytest.param("kvm-pv128-v3/x2apic-physical", "x2apic", "kvm-v3", id="v3"),
        pytest.param("hyperv-ipi/xapic-physical", "xapic", "hyperv", id="hyperv"),
        pytest.param("xen-evtchn/x2apic-physical", "x2apic", "xen", id="xen"),
    ],
)
def test_a_stack_boots_the_guest_it_needs(name: str, mode: str, abi: str) -> None:
    """The driver decides the APIC mode, the overlay the hypercall ABI."""
    guest = stack_of(name).guest(guest_of(FOUR))

    assert (mode, abi, FOUR) == (guest.apic_mode, guest.hypercall_abi, guest.apic_ids)


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        pytest.param(254, None, id="254-is-an-id"),
        pytest.param(
            255,
            "APIC ID 255 is not an xAPIC ID, which has 8 bits (255 is broadcast)",
            id="255-is-not",
        ),
    ],
)
@pytest.mark.parametrize("name", ["xapic-physical", "kvm-pv/xapic-physical"])
def test_the_highest_xapic_id_is_254(name: str, highest: int, expected: str | None) -> None:
    """0xff means all CPUs; a stack that cannot serve a guest gives the reason."""
    stack = stack_of(name)

    assert expected == stack.why_unsupported(stack.guest(guest_of((0, highest))), CURRENT)


def test_an_overlay_names_the_callbacks_it_defines() -> None:
    """`overrides` is the partial table of struct apic."""
    assert stack_of("shorthand/x2apic-physical").sender.overrides() == (
        "send_IPI_allbutself",
        "send_IPI_all",
        "send_IPI_self",
    )


@pytest.mark.parametrize(
    ("name", "version", "bits", "is_gone"),
    [
        pytest.param("xapic-flat", "6.11", 64, False, id="before"),
        pytest.param("xapic-flat", "6.12", 64, True, id="from-6.12-on"),
        pytest.param("kvm-pv/xapic-flat", "6.12", 64, True, id="below-an-overlay"),
        pytest.param("xapic-flat", "6.12", 32, False, id="32-bit"),
        pytest.param("xapic-physical", "6.12", 64, False, id="another-driver"),
    ],
)
def test_a_driver_that_a_kernel_has_no_more_has_a_note(
    name: str, version: str, bits: int, is_gone: bool
) -> None:
    """Commit 838ba7733e4e removed logical flat mode from 64-bit kernels."""
    note = stack_of(name).note(guest_of(range(4), bits=bits), LinuxEra(version=version))

    assert note == (
        "64-bit Linux 6.12 has no driver xapic-flat: it went with 6.12 (commit 838ba7733e4e)"
        if is_gone
        else None
    )
