"""The model delivers interrupts to a sender's targets except its drops."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pvbench.dispatch import program, reached
from pvbench.guest import Guest
from pvbench.layouts import interleaved
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst
from pvbench.run.prepared import prepare
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Stack
from pvbench.suite import Case
from pvbench.testing.deliveries import check_run
from pvbench_deliver_model.engine import Engine
from support.helpers import ERAS, bundled, guest_of, stack_of
from support.model import call, case_of, cost_profile_of, run_case

DRIVERS = sorted(n for n, d in bundled().drivers.items() if d.mechanism != "kernel")
OVER = [f"{overlay}/{driver}" for overlay in sorted(bundled().overlays) for driver in DRIVERS]
ONE_TARGET = ("send_IPI", "smp_call_function_single")
NMI = 2


def forms(highest: int, limit: int) -> st.SearchStrategy[tuple[int, ...]]:
    """APIC IDs: dense, sparse, interleaved, descending, and large ones."""
    count = st.integers(2, limit)
    steps = [step for step in (1, 2, 3, 16, 129, 4_096) if step * limit <= highest]
    step = st.sampled_from(steps or [1])
    dense = count.map(lambda n: tuple(range(n)))
    sparse = st.tuples(count, step).map(lambda f: tuple(range(0, f[0] * f[1], f[1])))
    big = count.map(lambda n: tuple(range(highest - n, highest)))
    values = [dense, sparse, big, dense.map(lambda ids: ids[::-1])]
    if highest >= 128 + limit:
        values.append(count.map(lambda cpus: interleaved(cpus).apic_ids))
    return st.one_of(values)


@st.composite
def guests(draw: st.DrawFn, stack: Stack) -> Guest:
    """A guest with the biggest IDs the driver can address among its forms."""
    highest = {"x2apic-cluster": (1 << 20) - 1, "x2apic-physical": (1 << 32) - 1}
    maximum = 8 if stack.driver.name == "xapic-flat" else 200
    ids = draw(forms(highest.get(stack.driver.name, 255), maximum))
    return guest_of(ids)


@st.composite
def cases(draw: st.DrawFn, stack: Stack) -> Case:
    """One source and any burst of it that the stack can express."""
    guest = draw(guests(stack))
    count = len(guest.apic_ids)
    operation = draw(st.sampled_from((*CSD_OPERATIONS, *BARE_OPERATIONS)))
    cpu = st.integers(0, count - 1)
    one = operation in ONE_TARGET
    burst = Burst(
        source=draw(cpu),
        operation=operation,
        targets=draw(st.sets(cpu, min_size=int(one), max_size=1 if one else count)),
        vector=draw(st.sampled_from((0xFC, 0xFB, 0xFD, NMI))),
        wait=draw(st.booleans()),
    )
    case = case_of(
        stack,
        guest,
        burst,
        state=draw(st.sampled_from(("halted", "running"))),
        linux=draw(st.sampled_from(ERAS)),
    )
    assume(why_unsupported(case) is None)
    return case


@pytest.mark.parametrize("name", [*DRIVERS, *OVER])
@settings(max_examples=15)
@given(data=st.data())
def test_the_slice_result_of_the_model_is_proof(name: str, data: st.DataObject) -> None:
    """ICR writes, hypercalls, return values, handlers and functions follow from the ops."""
    case = data.draw(cases(stack_of(name)))
    booted = Engine(case.guest, cost_profile_of())

    result = check_run(booted, prepare(case), loops=2, warmup=1)

    assert result.loops == 2


@pytest.mark.parametrize("name", [*DRIVERS, *OVER])
@settings(max_examples=15)
@given(data=st.data())
def test_interrupts_reach_all_targets_except_drops(name: str, data: st.DataObject) -> None:
    """Each gets one interrupt; if the overlay did not send, no target is dropped."""
    case = data.draw(cases(stack_of(name)))
    (burst,), guest, stack = case.bursts, case.guest, case.stack
    assume(burst.wait)
    own = program(stack, burst, guest, linux=case.linux).overlaid
    expected = set(reached(burst, guest))
    lost = (
        stack.sender.drops(tuple(sorted(expected)), guest, case.linux) if own else frozenset()
    )

    handlers = run_case(case)[1].counts.handlers

    assert expected - lost == {cpu for cpu, runs in enumerate(handlers) if runs == 1}


@pytest.mark.parametrize(
    ("stack", "ids", "lost"),
    [
        pytest.param("kvm-pv128-v3/x2apic-physical", (0, 127, 128, 5), (2,), id="v3-128"),
        pytest.param("kvm-pv-4.19/x2apic-physical", (9, 1, 128, 0), (3,), id="4.19-backwards"),
        pytest.param("kvm-pv/x2apic-physical", (9, 1, 128, 0), (), id="fixed-in-2022"),
    ],
)
def test_a_lossy_sender_loses_the_targets_of_the_real_one(
    stack: str, ids: tuple[int, ...], lost: tuple[int, ...]
) -> None:
    """Patch v3 loses IDs from 128 on, the first release an ID below the window."""
    _, result = run_case(case_of(stack, guest_of(ids), call(0, 1, 2, 3)))

    items = tuple(cpu for cpu in (1, 2, 3) if result.counts.handlers[cpu] == 0)

    assert (lost, not lost) == (items, "ack" in result.distributions)
