"""kvm-pv-single: function calls to one CPU are hypercalls, and all else is as under kvm-pv."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst, Hypercall, IrqRestore, IrqSave, Scan
from support.helpers import CURRENT, ERAS, NMI, burst_of, bursts, guest_of, hits, sent

OVER = "kvm-pv-single/x2apic-physical"
ONE = [
    pytest.param(burst_of("smp_call_function_single", 2), id="single"),
    pytest.param(burst_of("smp_call_function_many", 0, 2), id="many-of-which-one-is-left"),
]


@pytest.mark.parametrize("burst", ONE)
def test_a_function_call_to_one_cpu_is_a_hypercall(burst: Burst) -> None:
    """The patch replaces smp_ops.send_call_func_single_ipi by __send_ipi_mask()."""
    sending = sent(OVER, burst, (0, 1, 200, 3), linux=CURRENT)

    assert sending.overlaid == {"send_call_func_single_ipi"}
    assert sending.program == (
        IrqSave(),
        Scan(1),
        Hypercall(10, (1, 0, 200, 0xFB)),
        IrqRestore(),
    )


@pytest.mark.parametrize("vector", [0xFD, NMI], ids=["reschedule", "nmi"])
def test_other_unicasts_are_sent_by_the_driver(vector: int) -> None:
    """Reschedule IPIs and NMIs call apic->send_IPI(), which the patch leaves alone."""
    burst = burst_of("send_IPI", 2, vector=vector)
    over, native = (
        sent(name, burst, range(4), linux=CURRENT) for name in (OVER, "x2apic-physical")
    )

    assert over == native


@given(burst=bursts(6), linux=st.sampled_from(ERAS))
def test_every_other_burst_is_sent_as_under_kvm_pv(burst: Burst, linux: LinuxEra) -> None:
    """Masks and broadcasts have the callbacks of the merged overlay."""
    single, merged = (
        sent(f"{name}/x2apic-cluster", burst, range(6), linux=linux)
        for name in ("kvm-pv-single", "kvm-pv")
    )
    assume("send_call_func_single_ipi" not in single.overlaid)

    assert single == merged


def test_a_call_to_one_cpu_reaches_it_alone() -> None:
    """The window starts with its APIC ID."""
    guest = guest_of((9, 1, 0x7FFF_FFFF, 0))
    sending = sent(OVER, burst_of("smp_call_function_single", 2), guest.apic_ids)

    assert hits(sending.program, guest, source=0) == [(0xFB, 2)]
