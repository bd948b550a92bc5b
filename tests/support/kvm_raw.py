"""Tasks of a fake guest of four CPUs, and what KVM and the guest report of them."""

from __future__ import annotations

from typing import Any

import attrs

from pvbench.delivery import Algorithm, Task
from pvbench.guest import Guest
from pvbench.ops import Burst, Fence, Program, WrMsr
from pvbench_deliver_kvm.measure.raw_result import Handled, RawResult
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.measure.result import Context

CPUS = 4
ZEROS = (0,) * CPUS
GUEST = Guest(name="fake", apic_ids=range(CPUS))
TSC_KHZ = 2_000_000
TO_CPU_1 = (Fence(), WrMsr(0x830, 1 << 32 | 0xFB))
NULL: dict[str, list[int]] = {"send": [30, 10, 20], "irqoff": [9, 7, 8]}
COUNTERS = ("exits", "hypercalls", "halt_wakeup", "halt_successful_poll")


def task_of(*bursts: Burst, program: Program = TO_CPU_1, **changes: Any) -> Task:
    """Bursts, by default one of CPU 0 to CPU 1; *program* is that of each."""
    fields: dict[str, Any] = {
        "bursts": bursts or (burst(),),
        "programs": tuple(program for _ in bursts or "1"),
        "reached": tuple(b.targets for b in bursts) or ((1,),),
        "program_for": lambda index, cpus: (),
    }
    return Task(**(fields | changes))


def burst(source: int = 0, *targets: int, **changes: Any) -> Burst:
    """A bare multicast, to CPU 1 unless other targets are given."""
    return Burst(
        source=source, targets=targets or (1,), **({"operation": "send_IPI_mask"} | changes)
    )


def with_algorithm(task: Task, driver: str = "x2apic-physical", overlay: str = "") -> Task:
    """The same, of a stack that the guest has as code of its own."""
    return attrs.evolve(task, algorithm=Algorithm(driver=driver, overlay=overlay))


def raw_result(**changes: Any) -> RawResult:
    """Raw results: CPU 1 has run its handler ten times."""
    fields: dict[str, Any] = {
        "samples": {
            "send": [100] * 10,
            "irqoff": [],
            "deliver": [150] * 10,
            "ack": [200] * 10,
            "wall": [250] * 10,
        },
        "handled": handled(0, 10, 0, 0),
        "partial": (),
        "icr_writes": 10,
        "hypercalls": 3,
        "returned": 0,
        "span_ticks": 2_600,
        "troubles": (),
    }
    return RawResult(**(fields | changes))


def handled(
    *runs: int, functions: tuple[int, ...] = (), unexpected: Any = (), impossible: Any = ()
) -> Handled:
    """The work of the handlers of each CPU."""
    zeros = (0,) * len(runs)
    return Handled(
        runs=runs,
        functions=functions or zeros,
        unexpected=unexpected or zeros,
        impossible=impossible or zeros,
    )


def readings(
    *names: str,
    ran: tuple[int, ...] = ZEROS,
    waited: tuple[int, ...] = ZEROS,
    **counters: tuple[int, ...],
) -> Readings:
    """
    The readings of four CPUs by the host.

    Args:
        names: counters that KVM keeps, 0 unless *counters* has them.
    """
    return Readings(
        counters=[
            {name: counters.get(name, ZEROS)[cpu] for name in names} for cpu in range(CPUS)
        ]
        if names
        else [],
        ran_ns=[*ran],
        waited_ns=[*waited],
    )


def context(**changes: Any) -> Context:
    """Of a guest of four CPUs whose TSCs agree, on as many host CPUs."""
    fields: dict[str, Any] = {
        "guest": GUEST,
        "execution": "ops",
        "cpu_list": (),
        "usable_cpus": CPUS,
        "tsc_khz": TSC_KHZ,
        "tscs_agree": True,
        "icr_writes_traced": 1.0,
        "null_ticks": {"null_send_ticks": 20, "null_irqoff_ticks": 8},
        "host_facts": {},
    }
    return Context(**(fields | changes))
