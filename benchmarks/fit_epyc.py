"""
Fit the one fitted cost of each EPYC cost profile, and print what the model predicts.

Each is fitted to a single published figure, so it has no residual there:

    epyc-rome-avic      deliver_direct, 1.07 us a target of a broadcast to 179
    epyc-genoa-x2avic   icr_direct, 1117.44 ns until the function of a unicast runs

    python benchmarks/fit_epyc.py
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst
from pvbench.plugin.loader import load
from pvbench.run.prepared import prepare
from pvbench.suite import Case
from pvbench.topology import parse_guest
from pvbench.workload import Workload
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.engine import Engine

BROADCAST_PS = 179 * 1_070_000
UNICAST_PS = 1_117_440
ROUNDS = 6


def time_ps(profile: CostProfile, driver: str, vcpus: int, series: str) -> float:
    """The time of a call to all other CPUs, by shorthand if there are several."""
    burst = Burst(source=0, operation="smp_call_function_many", targets=range(1, vcpus))
    stack = load().stack(driver)
    case = Case(
        suite="fit",
        suite_version=1,
        workload=Workload(name="fit", summary="-", bursts=lambda guest: (burst,)),
        stack=stack,
        guest=stack.guest(parse_guest(str(vcpus))),
        linux=LinuxEra(version="5.8"),
        target_state="running",
        delivery="model",
        site="local",
        costs=profile.name,
        bursts=(burst,),
    )
    result = Engine(case.guest, profile).load(prepare(case).task).run(loops=5, warmup=5)
    return result.distributions[series].mean


def with_cost(profile: CostProfile, name: str, ps: float) -> CostProfile:
    """*profile* with one cost replaced."""
    return attrs.evolve(
        profile, costs=profile.costs | {name: attrs.evolve(profile.costs[name], ps=ps)}
    )


def fitted(
    profile: CostProfile, name: str, goal_ps: float, time: Callable[[CostProfile], float]
) -> CostProfile:
    """*profile* with the cost *name* for which *time* is *goal_ps*; it is linear in it."""
    for _ in range(ROUNDS):
        ps = profile.costs[name].ps
        slope = (time(with_cost(profile, name, ps + 10_000)) - time(profile)) / 10_000
        profile = with_cost(profile, name, ps + (goal_ps - time(profile)) / slope)
    return profile


def rome() -> CostProfile:
    """The broadcast by shorthand of 180 vCPUs."""
    profile = read("epyc-rome-avic")
    return fitted(
        profile,
        "deliver_direct",
        BROADCAST_PS,
        lambda profile: time_ps(profile, "xapic-physical", 180, "wall"),
    )


def genoa() -> CostProfile:
    """The unicast, without its fence."""
    profile = with_cost(read("epyc-genoa-x2avic"), "fence", 0)
    return fitted(
        profile,
        "icr_direct",
        UNICAST_PS,
        lambda profile: time_ps(profile, "x2apic-physical", 2, "deliver"),
    )


def main() -> None:
    """Print both costs in cycles."""
    print(f"epyc-rome-avic deliver_direct {rome().costs['deliver_direct'].ps * 2.3e-3:.1f}")
    print(f"epyc-genoa-x2avic icr_direct {genoa().costs['icr_direct'].ps * 2.5e-3:.1f}")


if __name__ == "__main__":
    main()
