"""
Target deliveries per second: the model beside the same broadcast on SimPy.

The model decodes the ops anew in every burst; nothing is kept but the state of
the vCPUs.  The peer is told the destinations.  It is written as SimPy's own
documentation models messages with latency: a process carries each interrupt to
its vCPU (its arrival), the vCPU is a process that waits for it and then for its
handler, the source waits for all acknowledgements.  Halt polling, pending
interrupts, counts and the same times are kept as in the model.

    python benchmarks/model_speed.py [--fast] [-o FILE]

The targets: at least 20 times SimPy for kvm-pv and x2apic-cluster, 10 times for
x2apic-physical, at 128, 1024 and 4096 targets; and a cost per target that does
not rise from 128 to 65 536 vCPUs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import pyperf
import simpy

from pvbench.decode.decoder import Decoder
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst
from pvbench.plugin.loader import load
from pvbench.plugin.registry import Registry
from pvbench.run.prepared import prepare
from pvbench.suite import Case
from pvbench.topology import parse_guest
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.engine import Engine

STACKS = ("x2apic-physical", "x2apic-cluster", "kvm-pv/x2apic-physical")
PEER_TARGETS = (128, 1024, 4096)
LARGEST = 65_536


def broadcast(registry: Registry, stack_name: str, targets: int) -> Case:
    """One source, *targets* targets, all acknowledged."""
    stack = registry.stack(stack_name)
    guest = stack.guest(parse_guest(str(min(targets + 1, LARGEST))))
    burst = Burst(source=0, operation="smp_call_function_many", targets=guest.others(0))
    return Case(
        suite="speed",
        suite_version=1,
        workload=registry.workload("broadcast"),
        stack=stack,
        guest=guest,
        linux=LinuxEra(no_ipi_broadcast=True),
        target_state="halted",
        delivery="model",
        site="local",
        costs=None,
        bursts=(burst,),
    )


def on_the_model(case: Case, cost_profile: CostProfile) -> Callable[[int], float]:
    """Seconds for a number of broadcasts."""
    task = prepare(case).task
    engine = Engine(case.guest, cost_profile)

    def run(loops: int) -> float:
        start = time.perf_counter()
        engine.load(task).run(loops=loops, warmup=0)
        return time.perf_counter() - start

    return run


class Peer:
    """The same broadcast on SimPy; times in ns."""

    def __init__(self, case: Case) -> None:
        program = prepare(case).bursts[0].program
        decoded = Decoder(case.guest, 0).sends(program)
        self.sends = [
            (600, cpus)
            for send in decoded
            for cpus in (
                [send.cpus.tolist()]
                if send.op_of_hit is None
                else [send.cpus[send.op_of_hit == op].tolist() for op in range(send.ops)]
            )
        ]
        count = len(case.guest.apic_ids)
        self.halted_since = [0.0] * count
        self.poll_window = [10_000.0] * count
        self.pending = [False] * count
        self.handlers = [0] * count
        self.acks = [0.0] * count
        self.env = simpy.Environment()
        self.acknowledged = self.env.event()
        self.unacknowledged = 0
        self.entered = 0.0
        self.series: dict[str, list[float]] = {"send": [], "deliver": [], "ack": []}

    def interrupt(self, cpu: int, delay_ns: float) -> Generator[simpy.Event, None, None]:
        """The way of one interrupt to its vCPU: arrival is one event."""
        yield self.env.timeout(delay_ns)
        if not self.pending[cpu]:
            self.pending[cpu] = True
            self.inbox[cpu].put(self.env.now)

    def vcpu(self, cpu: int) -> Generator[simpy.Event, float, None]:
        """One target: the handler is another event."""
        while True:
            arrived = yield self.inbox[cpu].get()
            halted = arrived - self.halted_since[cpu]
            polled = halted <= self.poll_window[cpu]
            if not polled:
                self.poll_window[cpu] = min(self.poll_window[cpu] * 2, 200_000)
            yield self.env.timeout(500 if polled else 5_000)
            self.pending[cpu] = False
            self.handlers[cpu] += 1
            self.entered = max(self.entered, self.env.now)
            self.acks[cpu] = self.env.now + 60
            self.halted_since[cpu] = self.env.now + 180
            self.unacknowledged -= 1
            if not self.unacknowledged:
                self.acknowledged.succeed()

    def source(self, loops: int) -> Generator[simpy.Event, Any, None]:
        """The sender's loop."""
        for _ in range(loops):
            start, self.entered = self.env.now, 0.0
            self.acknowledged = self.env.event()
            self.unacknowledged = sum(len(cpus) for _, cpus in self.sends)
            for exit_ns, cpus in self.sends:
                yield self.env.timeout(exit_ns)
                for place, cpu in enumerate(cpus, 1):
                    self.env.process(self.interrupt(cpu, 300 * place))
                yield self.env.timeout(300 * len(cpus))
            self.series["send"].append(self.env.now - start)
            yield self.acknowledged
            now = self.env.now
            for acked in self.acks:  # one poll for each target, in CPU order
                now = max(now, acked) + 100
            self.series["deliver"].append(self.entered - start)
            self.series["ack"].append(now - start)
            yield self.env.timeout(now - self.env.now)

    def run(self, loops: int) -> float:
        """Seconds for *loops* broadcasts."""
        self.env = simpy.Environment()
        self.inbox = [simpy.Store(self.env) for _ in self.acks]
        for cpu in range(1, len(self.acks)):
            self.env.process(self.vcpu(cpu))
        self.env.run()  # every vCPU waits for its first interrupt
        source = self.env.process(self.source(loops))
        start = time.perf_counter()
        self.env.run(until=source)
        return time.perf_counter() - start


def model_side(stack: str, targets: int) -> Callable[[int], float]:
    """The model's side, set up in the worker that runs it and only there."""

    def run(loops: int) -> float:
        return on_the_model(broadcast(load(), stack, targets), read("skylake-2018"))(loops)

    return run


def peer_side(stack: str, targets: int) -> Callable[[int], float]:
    """The peer's side, set up in the same way."""

    def run(loops: int) -> float:
        return Peer(broadcast(load(), stack, targets)).run(loops)

    return run


def main() -> None:
    """Time both sides in turn; print the ratios."""
    runner = pyperf.Runner(processes=3, values=3)
    benchmarks: dict[str, pyperf.Benchmark] = {}
    for stack in STACKS:
        for targets in (*PEER_TARGETS, LARGEST):
            sides = {"model": model_side} | ({"simpy": peer_side} if targets < LARGEST else {})
            for side, make in sides.items():
                name = f"{side} {stack} {targets}"
                function = make(stack, targets)
                benchmarks[name] = runner.bench_time_func(name, function, inner_loops=targets)
    if not runner.args.worker:
        report({name: bench.median() for name, bench in benchmarks.items()})


def report(seconds: dict[str, float]) -> None:
    """Target deliveries per second, and the ratios."""
    for stack in STACKS:
        for targets in PEER_TARGETS:
            model, peer = (seconds[f"{side} {stack} {targets}"] for side in ("model", "simpy"))
            print(
                f"{stack:24} {targets:6} targets: {1e-6 / model:6.2f} M/s, "
                f"SimPy {1e-6 / peer:5.2f} M/s, {peer / model:5.1f} times as fast"
            )
        rise = seconds[f"model {stack} {LARGEST}"] / seconds[f"model {stack} 128"]
        print(f"{stack:24} cost per target at {LARGEST} vCPUs over 128 targets: {rise:.2f}")


if __name__ == "__main__":
    main()
