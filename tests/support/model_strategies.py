"""Cases and cost profiles for properties of the model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hypothesis import assume
from hypothesis import strategies as st

from pvbench.delivery import TARGET_STATES
from pvbench.guest import Guest
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst
from pvbench.run.static_check import why_unsupported
from pvbench.suite import Case
from pvbench.x86.apic import NMI_VECTOR
from pvbench_deliver_model.cost_profile import LOCAL_APICS, CostProfile
from support.helpers import ERAS, bundled, guests, stack_of
from support.model import case_of, cost_profile_of, cpus

DRIVERS = sorted(n for n, d in bundled().drivers.items() if d.mechanism != "kernel")
OVER = [f"{overlay}/{driver}" for overlay in sorted(bundled().overlays) for driver in DRIVERS]
STACKS = [*DRIVERS, *OVER]
OPERATIONS = (*CSD_OPERATIONS, *CSD_OPERATIONS, *BARE_OPERATIONS)
ONE_TARGET = ("send_IPI", "smp_call_function_single")


@cache
@st.composite
def bursts(
    draw: st.DrawFn, source: int, count: int, operations: tuple[str, ...], wait: bool | None
) -> Burst:
    """An operation of CPU *source*; a mask call does not name its caller."""
    operation = draw(st.sampled_from(operations))
    cpu = st.integers(0, count - 1)
    maximum = 1 if operation in ONE_TARGET else min(count, 8)
    targets = draw(st.sets(cpu, min_size=min(1, maximum), max_size=maximum))
    if operation == "smp_call_function_many":
        targets -= {source}
    return Burst(
        source=source,
        operation=operation,
        targets=targets,
        vector=draw(st.sampled_from((0xFB, 0xFC, 0xFD, NMI_VECTOR))),
        wait=draw(st.booleans()) if wait is None else wait,
        lock=draw(st.booleans()),
    )


@st.composite
def cases(
    draw: st.DrawFn, operations: tuple[str, ...] = OPERATIONS, stacks: Sequence[str] = STACKS
) -> Case:
    """Any stack; small guests, so that sources share targets; one burst for each source."""
    stack = stack_of(draw(st.sampled_from(stacks)))
    guest = draw(guests(stack))
    if draw(st.booleans()):
        guest = stack.guest(cpus(draw(st.integers(2, 6))))
    count = len(guest.apic_ids)
    sources = draw(st.lists(st.integers(0, count - 1), unique=True, min_size=1, max_size=4))
    wait = draw(st.sampled_from((True, False, None)))
    chosen = [draw(bursts(source, count, operations, wait)) for source in sources]
    case = case_of(
        stack,
        shared(guest, draw(st.sampled_from((None, None, 1, 2, 3)))),
        *chosen,
        state=draw(st.sampled_from(TARGET_STATES)),
        linux=draw(st.sampled_from(ERAS)),
    )
    assume(why_unsupported(case) is None)
    return case


def shared(guest: Guest, host_cpus: int | None) -> Guest:
    """The guest on so many host CPUs."""
    return Guest(name=guest.name, apic_ids=guest.apic_ids, bits=guest.bits, host_cpus=host_cpus)


def cost_profiles() -> st.SearchStrategy[CostProfile]:
    """Costs from nothing to more than everything else together."""
    costs = {
        name: st.sampled_from((0, 7, 400, 9_000))
        for name in (
            "ack_poll",
            "avic_incomplete",
            "csd_queue",
            "deliver_direct",
            "deliver_target",
            "handler_work",
            "icr_direct",
            "interrupt_exit",
            "kick",
            "lock_handover",
            "loop_overhead",
            "posted_notification",
            "wake_blocked",
        )
    }
    return st.builds(
        cost_profile_of,
        local_apic=st.sampled_from(LOCAL_APICS),
        host_linux=st.sampled_from(("5.5", "5.6", "6.17", "6.18")),
        cpu_family=st.sampled_from(("Intel 06h", "AMD 17h")),
        exit_entry_share=st.sampled_from((0, 0.25, 1)),
        **costs,
    )
