"""
The cost of a guest on real KVM before it measures anything, beside threads alone.

    python benchmarks/kvm_speed.py [--fast] [-o FILE]

The targets, with a compiled guest and known probe results: a 128-vCPU guest is created, booted
and ended in under 0.4 s, and `pvbench run` has its first boot stored in under 1.5 s.  The
peer of a boot starts and joins as many threads; that of the command starts Python.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pyperf

from pvbench import notices
from pvbench.host import lock as host_lock
from pvbench.topology import parse_guest
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.delivery import PATIENCE_S, KvmDelivery
from pvbench_deliver_kvm.vmm.booted_guest import Start, booted_vm
from pvbench_deliver_kvm.vmm.mailbox import HYPERCALL_KVM

VCPUS = (2, 128, 1024)
ONE_BOOT = ("--delivery", "kvm", "--vcpus", "128", "--fast", "--boots", "1", "-q")
ONE_CASE = ("-k", "normal-ipi", "--sender", "native", "--driver", "x2apic-physical")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "pvbench run, first boot of 128 vCPUs": [
        *(str(Path(sys.executable).with_name("pvbench")), "run", "norov"),
        *ONE_BOOT,
        *ONE_CASE,
    ],
}


def boots(loops: int, vcpus: int) -> float:
    """Seconds of *loops* guests, from nothing to nothing."""
    start = Start(
        image=build.image(), hypercall_abi=HYPERCALL_KVM, cpus=(), patience_s=PATIENCE_S
    )
    guest = parse_guest(f"dense:{vcpus}")
    with host_lock.alone(notices.say):
        begin = time.perf_counter()
        for _ in range(loops):
            with booted_vm(guest, start):
                pass
        return time.perf_counter() - begin


def threads(loops: int, count: int) -> float:
    """Seconds of *loops* times *count* threads that do nothing."""
    begin = time.perf_counter()
    for _ in range(loops):
        started = [threading.Thread(target=int) for _ in range(count)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    return time.perf_counter() - begin


def main() -> None:
    """Time guests and threads, then whole commands, which leave their results here."""
    if reason := KvmDelivery().why_unavailable():
        sys.exit(f"kvm cannot be used here: {reason}")
    runner = pyperf.Runner(processes=3, values=3, warmups=1, loops=1)
    for vcpus in VCPUS:
        runner.bench_time_func(f"{vcpus} threads", threads, vcpus)
        runner.bench_time_func(f"guest of {vcpus} vCPUs", boots, vcpus)
    for name, command in COMMANDS.items():
        runner.bench_command(name, command)


if __name__ == "__main__":
    main()
