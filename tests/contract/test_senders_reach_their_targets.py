"""Every sender over every driver reaches each target once and no other CPU."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pvbench.dispatch import program, reached
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst, IrqRestore, IrqSave, Program
from pvbench.sender import Stack
from pvbench.testing.senders import check_case
from support.helpers import (
    CURRENT,
    ERAS,
    bundled,
    burst_of,
    bursts,
    decode,
    decoded,
    guest_of,
    guests,
    stack_of,
)

DRIVERS = sorted(n for n, d in bundled().drivers.items() if d.mechanism != "kernel")
OVER = [f"{overlay}/{driver}" for overlay in sorted(bundled().overlays) for driver in DRIVERS]
STACKS = [*DRIVERS, *OVER]

Scene = tuple[Guest, Burst, LinuxEra]


@cache
@st.composite
def scenes(draw: st.DrawFn, stack: Stack) -> Scene:
    """A guest that the stack supports, a burst that it does not refuse, a kernel era."""
    guest = draw(guests(stack))
    burst = draw(bursts(len(guest.apic_ids)))
    linux = draw(st.sampled_from(ERAS))
    assume(stack.why_unsupported(guest, linux) is None)
    assume(stack.sender.why_refused(burst, guest) is None)
    return guest, burst, linux


def vector_of(burst: Burst, targets: int) -> int:
    """The vector that Linux uses, which depends on the number of targets."""
    one_call = burst.operation.startswith("smp_call") and targets == 1
    return 0xFB if one_call and burst.vector == 0xFC else burst.vector


@pytest.mark.parametrize("name", STACKS)
@given(data=st.data())
def test_each_target_gets_exactly_one_interrupt_with_the_right_vector(
    name: str, data: st.DataObject
) -> None:
    """A lossy sender loses exactly the CPUs that drops() names."""
    stack = stack_of(name)
    guest, burst, linux = data.draw(scenes(stack))
    expected = reached(burst, guest)
    own = stack.overlay is None or program(stack, burst, guest, linux=linux).overlaid
    lost = stack.sender.drops(expected, guest, linux) if own else frozenset()
    vector = vector_of(burst, len(expected))

    interrupts = decoded(stack, burst, guest, linux=linux)

    assert [(vector, cpu) for cpu in expected if cpu not in lost] == sorted(interrupts)


@pytest.mark.parametrize("name", STACKS)
@settings(max_examples=25)
@given(data=st.data())
def test_every_burst_passes_the_conformance_kit(name: str, data: st.DataObject) -> None:
    """The kit checks the ops, that they are pure, and drops()."""
    stack = stack_of(name)
    guest, burst, linux = data.draw(scenes(stack))

    checked = check_case(stack, guest, burst, linux=linux)

    assert checked is not None


@pytest.mark.parametrize("name", STACKS)
@settings(max_examples=25)
@given(data=st.data())
def test_no_op_faults_and_interrupts_are_enabled_again(name: str, data: st.DataObject) -> None:
    """There is no #GP and no error return; each local_irq_save() has its restore."""
    stack = stack_of(name)
    guest, burst, linux = data.draw(scenes(stack))

    ops = program(stack, burst, guest, linux=linux).program
    errors = [send.error for send in decode(ops, guest, burst.source) if send.error]

    assert (errors, _balanced(ops)) == ([], True)


def _balanced(ops: Program) -> bool:
    switches = [type(op) for op in ops if isinstance(op, IrqSave | IrqRestore)]
    return switches == [IrqSave, IrqRestore] * (len(switches) // 2)


@pytest.mark.parametrize("name", OVER)
@settings(max_examples=25)
@given(data=st.data())
def test_callbacks_that_an_overlay_does_not_define_stay_native(
    name: str, data: st.DataObject
) -> None:
    """An overlay is a partial table of callbacks."""
    stack = stack_of(name)
    guest, burst, linux = data.draw(scenes(stack))

    native = program(Stack(stack.driver), burst, guest, linux=linux)
    over = program(stack, burst, guest, linux=linux)

    assert over.overlaid or native.program == over.program


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("overlay", sorted(bundled().overlays))
def test_multicast_uses_the_overlay_if_it_defines_the_callback(
    overlay: str, driver: str
) -> None:
    """Every overlay but shorthand defines send_IPI_mask."""
    stack = stack_of(f"{overlay}/{driver}")
    guest = stack.guest(guest_of(range(6)))
    burst = burst_of("send_IPI_mask", 1, 2, 4)
    expected = frozenset() if overlay == "shorthand" else {"send_IPI_mask"}

    assert expected == program(stack, burst, guest, linux=CURRENT).overlaid
