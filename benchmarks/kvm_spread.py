"""
How far boots of real KVM differ, and what a program can do about it.

    python benchmarks/kvm_spread.py [--boots 10]

Each variant boots the same guests; a boot's value is the median of its slices, and its
spread is (highest - lowest) / median over the boots, in per cent.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from statistics import median
from typing import Any

from pvbench.check import Prepared, prepare
from pvbench.delivery import Machine, Options
from pvbench.errors import PvbenchError
from pvbench.host import usable_cpus
from pvbench.ops import Burst
from pvbench.report.table import render
from pvbench.testing.cases import bundled, case_of
from pvbench.topology import parse_guest
from pvbench_deliver_kvm import KvmDelivery

SLICES, LOOPS, WARMUP = 3, 50, 50
VCPUS = (2, 8)
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4

Boots = Callable[[dict[str, Any], int], list[float]]


def tasks(vcpus: int) -> list[Prepared]:
    """normal-ipi and broadcast of Norov's benchmark."""
    guest, stack = parse_guest(f"dense:{vcpus}"), bundled().stack("x2apic-physical")
    one = Burst(source=0, operation="smp_call_function_single", targets=(1,))
    many = Burst(source=0, operation="smp_call_function_many", targets=guest.others(0))
    return [prepare(case_of(stack, guest, burst)) for burst in (one, many)]


def wall(machine: Machine, ready: Prepared, warmup: int) -> float:
    """Ticks of one burst, mean of a slice."""
    trace = machine.run(ready.task, loops=LOOPS, warmup=warmup)
    return trace.ticks["wall"] / trace.samples["wall"]


def boot(settings: dict[str, Any], vcpus: int, *, warmup: int, turns: bool) -> list[float]:
    """The median slice of each case in one boot."""
    ready = tasks(vcpus)
    with KvmDelivery().boot(ready[0].case.guest, settings) as machine:
        if turns:
            rounds = [[wall(machine, one, warmup) for one in ready] for _ in range(SLICES)]
            return [median(values) for values in zip(*rounds, strict=True)]
        return [median(wall(machine, one, warmup) for _ in range(SLICES)) for one in ready]


@contextmanager
def locked_memory() -> Iterator[None]:
    """mlockall() of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
        raise OSError(ctypes.get_errno(), "mlockall is refused")
    try:
        yield
    finally:
        libc.munlockall()


def variants(settings: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any, Any]]:
    """(name, settings, what to boot with, what to boot in)."""
    cpus = list(usable_cpus())
    usual = {"warmup": WARMUP, "turns": True}
    yield "as it is", settings, usual, nullcontext()
    yield "pinned", settings | {"cpus": cpus}, usual, nullcontext()
    yield "no warm-up", settings, usual | {"warmup": 0}, nullcontext()
    yield "one case after another", settings, usual | {"turns": False}, nullcontext()
    yield "no halt polling", settings | {"halt_poll_ns": 0}, usual, nullcontext()
    yield "2 ms of halt polling", settings | {"halt_poll_ns": 2_000_000}, usual, nullcontext()
    yield "memory locked", settings, usual, locked_memory()
    both = {"cpus": cpus, "halt_poll_ns": 0}
    yield "pinned, no halt polling", settings | both, usual, nullcontext()


def measured(name: str, boots: int, settings: dict[str, Any], usual: Any) -> list[str]:
    """One row: for each guest and case the median in microseconds and the spread."""
    row = [name]
    for vcpus in VCPUS:
        values = [boot(settings, vcpus, **usual) for _ in range(boots)]
        for case in zip(*values, strict=True):
            middle = median(case)
            spread = 100 * (max(case) - min(case)) / middle
            row.append(f"{middle / 1000:.0f} k, {spread:.0f} %")
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boots", type=int, default=10)
    boots = parser.parse_args().boots
    delivery = KvmDelivery()
    if reason := delivery.unavailable():
        sys.exit(f"kvm cannot be used here: {reason}")
    rows = []
    for name, settings, usual, around in variants(delivery.settings(Options())):
        try:
            with around:
                rows.append(measured(name, boots, settings, usual))
        except (OSError, PvbenchError) as error:
            rows.append([name, f"not possible: {error}", "", "", ""])
        print(f"{name} done", file=sys.stderr)
    cases = [f"{case}, {n} vCPUs" for n in VCPUS for case in ("normal-ipi", "broadcast")]
    print(f"{boots} boots each on {os.cpu_count()} CPUs; ticks of a burst, spread of boots")
    print(render(["variant", *cases], rows, "plain"))


if __name__ == "__main__":
    main()
