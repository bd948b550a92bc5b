"""
The spread of boots on real KVM, and settings that may reduce it.

    python benchmarks/kvm_spread.py [--boots 10]

Each variant boots the same guests, interleaved; a boot's value is the median of
its slices.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from statistics import median, stdev
from typing import Any

import attrs

from pvbench import notices
from pvbench.cli import common
from pvbench.delivery import BootedGuest, Options
from pvbench.document import Document, Role, table_of_records
from pvbench.errors import PvbenchError
from pvbench.host import lock as host_lock
from pvbench.host.facts import usable_cpus
from pvbench.ops import Burst
from pvbench.report import text
from pvbench.run.prepared import Prepared, prepare
from pvbench.testing.cases import bundled, case_of
from pvbench.topology import parse_guest
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.settings import Settings, settings_of

SLICES, LOOPS, WARMUP = 3, 50, 50
VCPUS = (2, 8)
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4


def tasks(vcpus: int) -> list[Prepared]:
    """normal-ipi and broadcast of Norov's benchmark."""
    guest, stack = parse_guest(f"dense:{vcpus}"), bundled().stack("x2apic-physical")
    unicast = Burst(source=0, operation="smp_call_function_single", targets=(1,))
    broadcast = Burst(source=0, operation="smp_call_function_many", targets=guest.others(0))
    return [prepare(case_of(stack, guest, burst)) for burst in (unicast, broadcast)]


def wall(booted: BootedGuest, case: Prepared, warmup: int) -> float:
    """Ticks of one burst, median of a slice."""
    result = booted.load(case.task).run(loops=LOOPS, warmup=warmup)
    return result.distributions["wall"].median


def boot(settings: Settings, vcpus: int, *, warmup: int, turns: bool) -> list[float]:
    """The median slice of each case in one boot."""
    cases = tasks(vcpus)
    with KvmDelivery().boot(cases[0].case.guest, settings.encoded()) as booted:
        if turns:
            rounds = [[wall(booted, case, warmup) for case in cases] for _ in range(SLICES)]
            return [median(values) for values in zip(*rounds, strict=True)]
        return [median(wall(booted, case, warmup) for _ in range(SLICES)) for case in cases]


@contextmanager
def locked_memory() -> Iterator[None]:
    """mlockall() of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
        raise PvbenchError("mlockall is refused", why=os.strerror(ctypes.get_errno()))
    try:
        yield
    finally:
        libc.munlockall()


@attrs.frozen(kw_only=True)
class Variant:
    """A setting that a user-space program can change."""

    settings: dict[str, Any] = attrs.field(factory=dict)
    warmup: int = WARMUP
    turns: bool = True
    around: Callable[[], AbstractContextManager[None]] = nullcontext


def variants() -> dict[str, Variant]:
    """The variants by name; the first is the behaviour of `pvbench run`."""
    pinned = {"cpus": usable_cpus()}
    return {
        "as it is": Variant(),
        "pinned": Variant(settings=pinned),
        "no warm-up": Variant(warmup=0),
        "one case after another": Variant(turns=False),
        "no halt polling": Variant(settings={"halt_poll_ns": 0}),
        "2 ms of halt polling": Variant(settings={"halt_poll_ns": 2_000_000}),
        "memory locked": Variant(around=locked_memory),
        "pinned, no halt polling": Variant(settings=pinned | {"halt_poll_ns": 0}),
    }


def round_of(
    times: dict[str, list[list[float]]], settings: Settings, *, backwards: bool
) -> None:
    """One boot of every guest under each variant, so that a drift affects all alike."""
    order = list(variants().items())
    for name, variant in reversed(order) if backwards else order:
        with variant.around():
            times[name].append(
                [
                    value
                    for vcpus in VCPUS
                    for value in boot(
                        attrs.evolve(settings, **variant.settings),
                        vcpus,
                        warmup=variant.warmup,
                        turns=variant.turns,
                    )
                ]
            )


def cell(values: list[float]) -> str:
    """Median in thousand ticks; range and standard deviation in per cent of it."""
    middle = median(values)
    spread, deviation = max(values) - min(values), stdev(values)
    return f"{middle / 1000:.0f} k, {spread / middle:.0%}, {deviation / middle:.0%}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boots", type=int, default=10)
    boots = max(2, parser.parse_args().boots)
    delivery = KvmDelivery()
    if reason := delivery.why_unavailable():
        sys.exit(f"kvm cannot be used here: {reason}")
    with locked_memory():  # refused before anything is measured
        pass
    settings = settings_of(delivery.describe(Options()).worker_data)
    times: dict[str, list[list[float]]] = {name: [] for name in variants()}
    with host_lock.alone(notices.say):
        for number in range(boots):
            round_of(times, settings, backwards=number % 2 == 1)
            print(f"round {number + 1} of {boots}", file=sys.stderr)
    cases = [f"{case}, {n} vCPUs" for n in VCPUS for case in ("normal-ipi", "broadcast")]
    rows = [
        [name, *(cell(list(case)) for case in zip(*values, strict=True))]
        for name, values in times.items()
    ]
    print(
        f"{boots} boots on {os.cpu_count()} CPUs: ticks of a burst, range, standard deviation"
    )
    records = [dict(zip(["variant", *cases], row, strict=True)) for row in rows]
    roles = dict.fromkeys(cases, Role.VALUE)
    print(text.render(Document([table_of_records(records, roles=roles)]), common.width()))


if __name__ == "__main__":
    main()
