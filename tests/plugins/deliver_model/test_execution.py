"""Raw programs on the model: the counts of handlers, faults and results."""

from __future__ import annotations

import json

import pytest

from pvbench.delivery import Options
from pvbench.ops import (
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Op,
    Scan,
    WriteMem,
    WrMsr,
)
from pvbench.trials import Ending, ExecutingGuest, Outcome, spiv_write
from pvbench_deliver_model import Model
from pvbench_deliver_model.assumed import Modelled
from pvbench_deliver_model.cost_profile import CostProfile
from support.helpers import INPUT_PAGE, XAPIC_ICR, XAPIC_ICR2, guest_of

ICR = 0x830


def icr(low: int, destination: int = 1) -> WrMsr:
    """One x2APIC ICR write."""
    return WrMsr(ICR, destination << 32 | low)


def booted(apic_mode: str = "x2apic", abi: str = "kvm") -> ExecutingGuest:
    """A guest of four CPUs."""
    data = json.loads(Model().describe(Options()).worker_data)
    guest = guest_of(range(4), apic_mode=apic_mode, hypercall_abi=abi)
    return Modelled(guest, CostProfile.from_json(data))


def outcome(*ops: Op, source: int = 0) -> Outcome:
    """The outcome of one program in a guest of its own."""
    return booted().execute(((source, ops),), "halted")


@pytest.mark.parametrize("state", ["halted", "running"])
def test_each_target_runs_its_handler(state: str) -> None:
    """A broadcast and an unicast, in one program of CPU 0."""
    program = (IrqSave(), Scan(4), Fence(), icr(0xC_0040), IrqRestore(), icr(0x400, 3))

    assert booted().execute(((0, program),), state) == Outcome(
        {(1, 0x40): 1, (2, 0x40): 1, (3, 0x40): 1, (3, 2): 1}, (Ending(),)
    )


def test_ipis_to_oneself_coalesce_only_while_interrupts_are_disabled() -> None:
    """An NMI is not kept out."""
    own, nmi = icr(0x40, 0), icr(0x400, 0)
    section = (IrqSave(), own, own, nmi, nmi, IrqRestore())

    assert outcome(own, own).hits == {(0, 0x40): 2}
    assert outcome(*section, *section).hits == {(0, 0x40): 2, (0, 2): 4}


def test_ipis_of_one_vector_to_another_cpu_may_coalesce() -> None:
    """It is halted at first, and wakes after some of them have come."""
    runs = outcome(*[icr(0x40)] * 50).hits[1, 0x40]

    assert 1 <= runs < 50


def test_several_programs_run_together() -> None:
    """Each has its own ending."""
    programs = ((0, (icr(0x40, 3),)), (1, (Hypercall(77, ()), icr(0x41, 3))))

    assert booted().execute(programs, "halted") == Outcome(
        {(3, 0x40): 1, (3, 0x41): 1}, (Ending(), Ending((1 << 64) - 1000))
    )


def test_the_first_op_that_raises_is_named() -> None:
    """A scan is not counted; the program goes on."""
    bad = icr(0x20_0000)

    assert outcome(Scan(3), Fence(), bad, bad, icr(0x40)) == Outcome(
        {(1, 0x40): 1}, (Ending(0, 13, 1),)
    )


def test_icr2_remains_and_memory_does_not() -> None:
    """As a real guest of one boot would have it."""
    xapic, hyperv = booted(apic_mode="xapic"), booted(abi="hyperv")
    call = Hypercall(0xB, (INPUT_PAGE, 0))

    xapic.execute(((1, (MmioWrite(XAPIC_ICR2, 3 << 24),)),), "halted")
    first = hyperv.execute(((0, (WriteMem(INPUT_PAGE, (0x40, 2)), call)),), "halted")
    second = hyperv.execute(((0, (call,)),), "halted")

    assert xapic.execute(((1, (MmioWrite(XAPIC_ICR, 0x40),)),), "halted").hits == {(3, 64): 1}
    assert (first, second) == (Outcome({(1, 0x40): 1}, (Ending(),)), Outcome({}, (Ending(3),)))


@pytest.mark.parametrize("mode", ["x2apic", "xapic"])
def test_a_program_that_only_disables_an_apic_comes_first(mode: str) -> None:
    """The CPU is enabled again in the next trial."""
    guest, off = booted(mode), (spiv_write(mode, enabled=False),)
    send = Hypercall(10, (0b110, 0, 0, 0x40)), Hypercall(10, (0b110, 0, 0, 0x400))
    first = guest.execute(((0, send), (2, off)), "halted")
    second = guest.execute(((0, send[:1]),), "halted")

    assert first.hits == {(1, 0x40): 1, (1, 2): 1, (2, 2): 1}
    assert first.endings == (Ending(3), Ending())
    assert second.hits == {(1, 0x40): 1, (2, 0x40): 1}
