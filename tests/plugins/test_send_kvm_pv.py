"""kvm-pv: windows of 128 APIC IDs that slide with the first ones."""

from __future__ import annotations

import pytest

from pvbench.linux_era import LinuxEra
from pvbench.ops import Hypercall, IrqRestore, IrqSave, Scan
from support.helpers import CURRENT, NMI, burst_of, call_args, guest_of, masked, sent, stack_of

OVER = "kvm-pv/x2apic-physical"
TOP = 1 << 63


def calls(ids: list[int], *, vector: int = 0xFC, bits: int = 64) -> list[tuple[int, ...]]:
    """(low word, high word, min, ICR) of each hypercall."""
    return call_args(masked(OVER, ids, vector=vector, bits=bits))


def test_the_scan_and_the_calls_run_with_interrupts_off() -> None:
    """__send_ipi_mask() disables interrupts for the scan and all hypercalls."""
    assert masked(OVER, [3, 131]) == (
        IrqSave(),
        Scan(2),
        Hypercall(10, (1, 0, 3, 0xFC)),
        Hypercall(10, (1, 0, 131, 0xFC)),
        IrqRestore(),
    )


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param([0], [(1, 0, 0)], id="one-target"),
        pytest.param([200], [(1, 0, 200)], id="min-is-the-id-itself"),
        pytest.param([0, 63], [(1 | TOP, 0, 0)], id="last-bit-of-the-low-word"),
        pytest.param([0, 64], [(1, 1, 0)], id="first-bit-of-the-high-word"),
        pytest.param([0, 127], [(1, TOP, 0)], id="last-bit-of-one-window"),
        pytest.param([0, 128], [(1, 0, 0), (1, 0, 128)], id="first-bit-of-next-window"),
        pytest.param([127, 0], [(1, TOP, 0)], id="slides-down-127"),
        pytest.param([128, 0], [(1, 0, 128), (1, 0, 0)], id="cannot-slide-128"),
        pytest.param([5, 3], [(0b101, 0, 3)], id="slides-down-2"),
        pytest.param(
            [100, 200, 73], [(1 | 1 << 27, TOP, 73)], id="slides-while-the-highest-fits"
        ),
        pytest.param(
            [100, 200, 72],
            [(1, 1 << 36, 100), (1, 0, 72)],
            id="does-not-slide-when-the-highest-falls-out",
        ),
        pytest.param([120, 130], [(1 | 1 << 10, 0, 120)], id="windows-start-anywhere"),
        pytest.param(
            [1, 128, 0], [(1, TOP, 1), (1, 0, 0)], id="unordered-linux-regression-c15e0ae42c8e"
        ),
        pytest.param(
            [0, 128, 1, 129],
            [(1, 0, 0), (1, TOP, 1), (1, 0, 129)],
            id="alternating",
        ),
        pytest.param([0x7FFF_FFFF], [(1, 0, 0x7FFF_FFFF)], id="31-bit-id"),
    ],
)
def test_each_window_costs_one_hypercall(
    ids: list[int], expected: list[tuple[int, ...]]
) -> None:
    """KVM_HC_SEND_IPI takes a 128-bit bitmap based at any APIC ID; IDs are never sorted."""
    assert [(*call, 0xFC) for call in expected] == calls(ids)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param([0, 31], [(1 | 1 << 31, 0, 0)], id="last-bit-of-the-low-word"),
        pytest.param([0, 32], [(1, 1, 0)], id="first-bit-of-the-high-word"),
        pytest.param([0, 63], [(1, 1 << 31, 0)], id="last-bit-of-one-window"),
        pytest.param([0, 64], [(1, 0, 0), (1, 0, 64)], id="first-bit-of-next-window"),
        pytest.param([64, 1], [(1, 1 << 31, 1)], id="slides-down-63"),
        pytest.param([64, 0], [(1, 0, 64), (1, 0, 0)], id="cannot-slide-64"),
    ],
)
def test_a_32_bit_guest_has_windows_of_64(
    ids: list[int], expected: list[tuple[int, ...]]
) -> None:
    """The bitmap is two machine words."""
    assert [(*call, 0xFC) for call in expected] == calls(ids, bits=32)


@pytest.mark.parametrize(
    ("vector", "icr"),
    [
        pytest.param(0xFD, 0xFD, id="vector"),
        pytest.param(NMI, 0x400, id="nmi-has-its-mode-and-vector-0"),
    ],
)
def test_the_last_register_is_an_icr_word(vector: int, icr: int) -> None:
    """It can carry delivery mode NMI, which patch v3 cannot."""
    assert [(1, 0, 0, icr)] == calls([0], vector=vector)


def test_no_target_is_lost() -> None:
    """The fix of 2022 ended this loss; the IDs are those that lost an IPI before it."""
    guest = guest_of((1, 128, 0))

    assert stack_of(OVER).sender.drops((0, 1, 2), guest, CURRENT) == frozenset()


@pytest.mark.parametrize(
    ("version", "expected", "lost"),
    [
        pytest.param("5.17", [(1, TOP, 1)], {2}, id="before-the-fix"),
        pytest.param("5.18", [(1, TOP, 1), (1, 0, 0)], set(), id="with-the-fix"),
    ],
)
def test_an_id_below_the_window_is_lost_before_5_18(
    version: str, expected: list[tuple[int, ...]], lost: set[int]
) -> None:
    """Commit c15e0ae42c8e gave the test of the window a lower end."""
    linux, guest = LinuxEra(version=version), guest_of((1, 128, 0))
    calls = call_args(masked(OVER, [1, 128, 0], linux=linux))

    assert calls == [(*call, 0xFC) for call in expected]
    assert stack_of(OVER).sender.drops((0, 1, 2), guest, linux) == lost


def test_no_kernel_before_4_19_has_pv_ipis() -> None:
    """The guest's part came with commit aaffcfd1e82d."""
    reasons = [
        stack_of(OVER).why_unsupported(guest_of(range(4)), LinuxEra(version=version))
        for version in ("4.18", "4.19")
    ]

    assert reasons == ["Linux 4.18 has no kvm-pv: it came with 4.19", None]


@pytest.mark.parametrize(
    "operation", ["send_IPI_mask_allbutself", "send_IPI_allbutself"], ids=["mask", "all"]
)
def test_all_but_self_does_not_interrupt_the_sender(operation: str) -> None:
    """Without shorthands both reach kvm_send_ipi_mask_allbutself()."""
    sending = sent(OVER, burst_of(operation, 0, 1, 2, source=1), (0, 1, 2))

    assert call_args(sending.program) == [(0b101, 0, 0, 0xFC)]


def test_unicast_and_self_are_not_hooked() -> None:
    """Linux replaces only send_IPI_mask and send_IPI_mask_allbutself."""
    assert stack_of(OVER).sender.overrides() == ("send_IPI_mask", "send_IPI_mask_allbutself")
