"""Operations from the events of a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.recording import host
from pvbench.recording.host import MISSING, POSSIBLY
from pvbench.recording.recording import Recording
from support.traces import from_text, stored_trace


def executed(recording: Recording) -> list[tuple[int, int | None, str, int]]:
    """vCPU, vector, destination and count of each operation."""
    return [
        (vcpu, one.vector, one.destination, count)
        for vcpu, one, count in host.counts(recording.operations)
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("host-perf-script", [(0, 253, "APIC ID 2", 2), (2, 251, "APIC ID 0", 1)]),
        ("host-no-task-no-cpu", [(0, 176, "self", 1)]),
        (
            "host-hypercalls",
            [
                (-1, None, "none", 1),
                (-1, 0, "none", 1),
                (-1, 252, "APIC IDs 1, 128", 1),
                (-1, None, "none", 1),
            ],
        ),
    ],
)
def test_one_send_is_one_operation(
    name: str, expected: list[tuple[int, int | None, str, int]]
) -> None:
    """MSR 0x6e0 is no IPI, and a shorthand beats the destination."""
    recording = stored_trace(f"{name}.txt")

    assert executed(recording) == expected
    assert recording.is_host
    assert not recording.has_masks


def test_the_xapic_has_its_destination_in_the_register_before(tmp_path: Path) -> None:
    """kvm_apic reports both writes, and kvm_apic_ipi the send."""
    text = (
        " qemu-1 [002] 1.0: kvm_exit:             vcpu 3 reason EPT_MISCONFIG rip 0x1\n"
        " qemu-1 [002] 1.1: kvm_apic:             apic_write APIC_ICR2 = 0x5000000\n"
        " qemu-1 [002] 1.2: kvm_apic:             apic_write APIC_ICR = 0x8fc\n"
        " qemu-1 [002] 1.3: kvm_apic_ipi:  dst 5 vec 252 (Fixed|logical|assert|edge|dst)\n"
    )

    assert executed(from_text(tmp_path, text)) == [(3, 252, "logical ID 0x5", 1)]


def test_hypercalls_of_hyperv_are_operations(tmp_path: Path) -> None:
    """Both forms have a mask."""
    text = (
        " q-1 [002] 1.0: kvm_hv_send_ipi:      vector fb processor_mask 0x6\n"
        " q-1 [002] 1.1: kvm_hv_send_ipi_ex:   vector fc format 0 valid_bank_mask 0x1\n"
    )

    assert executed(from_text(tmp_path, text)) == [
        (-1, 251, "mask 0x6", 1),
        (-1, 252, "mask 0x1", 1),
    ]


def writes(*vectors: int, exits: int = 1) -> str:
    """ICR writes of vCPU 0, each after as many exits."""
    exit_line = " CPU 0/KVM-1 [002] 1.0: kvm_exit:  vcpu 0 reason MSR_WRITE rip 0x1\n"
    return "".join(
        exit_line * exits
        + f" CPU 0/KVM-1 [002] 1.0: kvm_msr:              msr_write 830 = {vector:#x}\n"
        for vector in vectors
    )


@pytest.mark.parametrize(
    ("text", "bursts"),
    [
        (writes(0x1000000FC, 0x2000000FC), [0, 0]),
        (writes(0x1000000FC, 0x2000000FD), [0, 1]),
        (writes(0x1000000FC, 0x2000000FC, exits=2), [0, 1]),
        (writes(0x1000000FC, 0x2000000FC, exits=0), [0, 1]),
    ],
    ids=["one-burst", "another-vector", "another-exit", "exits-not-traced"],
)
def test_writes_without_another_exit_between_may_be_one_burst(
    tmp_path: Path, text: str, bursts: list[int]
) -> None:
    """This is inferred, so it is never called a send."""
    assert from_text(tmp_path, text).operations.burst.tolist() == bursts


def test_signs_of_accelerated_sends_are_told(tmp_path: Path) -> None:
    """AVIC exits only for the sends that it cannot complete."""
    avic = " q-1 [002] 1.0: kvm_avic_incomplete_ipi: vcpu=0, icrh:icrl=0x1:0xfc, id=1\n"

    assert from_text(tmp_path, writes(0xFC)).operations.missing == POSSIBLY
    assert from_text(tmp_path, writes(0xFC) + avic).operations.missing == MISSING


def test_events_with_other_fields_are_no_operations(tmp_path: Path) -> None:
    """A read of an MSR, and a hypercall whose fields cannot be read."""
    text = (
        " q-1 [002] 1.0: kvm_msr:              msr_read 830 = 0x0\n"
        " q-1 [002] 1.0: kvm_hypercall:        nr ten\n"
        " q-1 [002] 1.0: kvm_apic:             apic_read APIC_ICR = 0x0\n"
        " q-1 [002] 1.0: kvm_apic_ipi:         dst x\n"
    )

    assert len(from_text(tmp_path, text + writes(0xFC)).operations) == 1
