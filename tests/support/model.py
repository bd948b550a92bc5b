"""A cost profile of round numbers, and tasks for the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst, Hypercall, MmioWrite, Op, WrMsr
from pvbench.run.prepared import Prepared, prepare
from pvbench.sender import Stack
from pvbench.slice_result import SliceResult
from pvbench.suite import Case
from pvbench.workload import Workload
from pvbench_deliver_model.assumed import Modelled
from pvbench_deliver_model.cost_profile import Cost, CostProfile
from pvbench_deliver_model.engine import Engine
from pvbench_deliver_model.sending import Sending
from pvbench_deliver_model.targets import Targets
from pvbench_deliver_model.timeline import Timeline
from support.helpers import MASKS, stack_of, total_ticks

# Picoseconds.  The golden tests write their sums out of these.
ROUND: Mapping[str, int] = {
    "loop_overhead": 10,
    "local_call_entry": 30,
    "local_call": 70,
    "csd_queue": 20,
    "queue_handover": 0,
    "ack_poll": 5,
    "irq_toggle": 1,
    "fence": 2,
    "store": 3,
    "scan_cpu": 4,
    "poll_notice": 25,
    "interrupt_entry": 50,
    "eoi": 6,
    "eoi_exit": 60,
    "handler_work": 7,
    "interrupt_exit": 40,
    "lock_handover": 900,
    "exit": 550,
    "hypercall": 1_000,
    "guest_read": 0,
    "icr_write": 2_000,
    "icr_write_fastpath": 1_500,
    "icr_direct": 250,
    "xapic_surcharge": 400,
    "xapic_surcharge_direct": 60,
    "mmio_exit": 3_000,
    "apic_access": 8,
    "fault": 600,
    "deliver_target": 100,
    "deliver_logical": 25,
    "deliver_direct": 30,
    "avic_incomplete": 1_200,
    "match_vcpu": 9,
    "posted_notification": 300,
    "kick": 700,
    "wake_sender": 0,
    "wake_polled": 200,
    "wake_blocked": 800,
    "halt_poll_max": 20_000,
    "halt_poll_start": 5_000,
    "timeslice": 100_000,
}
RATIOS: Mapping[str, float] = {
    "exit_entry_share": 0.5,
    "direct_entry_share": 1,
    "halt_poll_grow": 2,
    "halt_poll_shrink": 2,
    "stagger": 0,
}

# Ops on CPU 0, written by hand.
TO_CPU_2 = WrMsr(0x830, 2 << 32 | 0xFC)
TO_CPU_3 = WrMsr(0x830, 3 << 32 | 0xFC)
TO_CLUSTER = WrMsr(0x830, 0b1110 << 32 | 0x8FC)
NMI_TO_CPU_2 = WrMsr(0x830, 2 << 32 | 0x400)
ALL_BUT_SELF = WrMsr(0x830, 0xC_00FC)
TO_EVERYBODY = WrMsr(0x830, 0xFFFF_FFFF << 32 | 0xFC)
SELF_REGISTER = WrMsr(0x83F, 0xFC)
SELF_SHORTHAND = WrMsr(0x830, 0x4_00FC)
NMI_TO_SELF = WrMsr(0x830, 0x4_0400)
PV_CALL = Hypercall(10, (0b1110, 0, 0, 0xFC))
ICR2 = MmioWrite(0xFEE0_0310, 2 << 24)
ICR = MmioWrite(0xFEE0_0300, 0xFC)
XAPIC_NMI_TO_SELF = MmioWrite(0xFEE0_0300, 0x4_0400)


def cost_profile_of(
    *,
    apicv: bool = True,
    local_apic: str | None = None,
    host_linux: str | None = None,
    cpu_family: str = "Intel 06h",
    pv_eoi: bool = True,
    **changed: float,
) -> CostProfile:
    """The cost profile of ROUND and RATIOS, with some numbers changed."""
    costs = {name: float(changed.get(name, ps)) for name, ps in ROUND.items()}
    ratios = {name: float(changed.get(name, value)) for name, value in RATIOS.items()}
    assert set(changed) <= {*costs, *ratios}
    return CostProfile(
        name="round",
        title="round numbers",
        sha256="0" * 64,
        local_apic=local_apic or ("apicv" if apicv else "emulated"),
        pv_eoi=pv_eoi,
        host_linux=host_linux or ("6.0" if "avic" in (local_apic or "") else "5.5"),
        cpu_family=cpu_family,
        costs=_as_costs(costs),
        ratios=_as_costs(ratios),
    )


def _as_costs(values: Mapping[str, float]) -> dict[str, Cost]:
    return {name: Cost(ps=ps, confidence="C", source="a test") for name, ps in values.items()}


def case_of(
    stack: Stack | str,
    guest: Guest,
    *bursts: Burst,
    state: str = "running",
    linux: LinuxEra = MASKS,
) -> Case:
    """A case on the model; the guest is booted as the stack needs it."""
    if isinstance(stack, str):
        stack = stack_of(stack)
    return Case(
        suite="tests",
        suite_version=1,
        workload=Workload(name="a-test", summary="-", bursts=lambda guest: bursts),
        stack=stack,
        guest=stack.guest(guest),
        linux=linux,
        target_state=state,
        delivery="model",
        site="local",
        costs="round",
        bursts=bursts,
    )


def run_case(
    case: Case, cost_profile: CostProfile | None = None, *, loops: int = 1, warmup: int = 0
) -> tuple[Prepared, SliceResult]:
    """The case after the static check, and what the model saw of it."""
    prepared = prepare(case)
    engine = Engine(case.guest, cost_profile or cost_profile_of())
    return prepared, engine.load(prepared.task).run(loops=loops, warmup=warmup)


def times(
    case: Case, cost_profile: CostProfile | None = None, *, loops: int = 1, warmup: int = 0
) -> dict[str, int]:
    """Total ticks by series."""
    return total_ticks(run_case(case, cost_profile, loops=loops, warmup=warmup)[1])


def modelled(
    case: Case, cost_profile: CostProfile, *, loops: int = 1, warmup: int = 0
) -> SliceResult:
    """The result of the model for a case, with the assumed part of each series."""
    return (
        Modelled(case.guest, cost_profile)
        .load(prepare(case).task)
        .run(loops=loops, warmup=warmup)
    )


def cpus(count: int, **options: Any) -> Guest:
    """A guest of *count* CPUs with APIC IDs 0, 1, 2, ..."""
    return Guest(name=f"dense:{count}", apic_ids=range(count), **options)


def call(source: int, *targets: int, **options: Any) -> Burst:
    """smp_call_function_many() of CPU *source* to *targets*."""
    operation = "smp_call_function_many"
    return Burst(source=source, operation=operation, targets=targets, **options)


def mask(source: int, *targets: int, **options: Any) -> Burst:
    """apic->send_IPI_mask() of CPU *source* to *targets*."""
    return Burst(source=source, operation="send_IPI_mask", targets=targets, **options)


def ints(values: Iterable[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Times or CPU numbers as the model keeps them."""
    return np.array(tuple(values), np.int64)


def line_of(*ops: Op, apic_mode: str = "x2apic", **cost_profile: Any) -> Timeline:
    """The ops on CPU 0 of a guest of four, from 1000 on."""
    guest, used = cpus(4, apic_mode=apic_mode), cost_profile_of(**cost_profile)
    sending = Sending(guest, 0, used, Targets(guest, used, "running"))
    return sending.run(ops, 1_000)


def served(line: Timeline) -> list[tuple[int, int]]:
    """(time, CPU) of each interrupt."""
    return [
        pair
        for arrivals in line.arrivals
        for pair in zip(arrivals.at.tolist(), arrivals.cpus.tolist(), strict=True)
    ]


def targets_of(state: str, **changed: Any) -> Targets:
    """Four vCPUs in *state*."""
    return Targets(cpus(4), cost_profile_of(**changed), state)


def accepted(
    targets: Targets,
    hits: Iterable[tuple[int, int]],
    vector: int = 0xFC,
    *,
    lock: bool = False,
) -> list[tuple[int, int]]:
    """(entry, acknowledgement) of each (arrival, CPU), all accepted at once."""
    arrival, cpu = zip(*hits, strict=True)
    entry, ack = targets.accept(ints(arrival), ints(cpu), vector, lock=lock, distinct=False)
    return list(zip(entry.tolist(), ack.tolist(), strict=True))
