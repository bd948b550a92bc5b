"""
Fit the three fitted constants of skylake-2018 and print the model's predictions.

Fitted to the four Broadcast cells of commit 4180bf1b655a only, by least squares
of the relative residuals.  Everything else in the cost profile is read or assumed.

    python benchmarks/fit_skylake_2018.py
"""

from __future__ import annotations

import attrs
import numpy as np

from pvbench.guest import HostIds
from pvbench.plugin.loader import load
from pvbench.run.cases import Selection, expand
from pvbench.run.prepared import prepare
from pvbench.suite import Case
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import Cost, CostProfile
from pvbench_deliver_model.engine import Engine

FITTED = ("csd_queue", "icr_write", "deliver_logical")
# us for one broadcast: vanilla and pv over each driver; source as above
PUBLISHED = {
    "x2apic-physical": 198.45070887,
    "kvm-pv/x2apic-physical": 78.06540019,
    "x2apic-cluster": 92.82161150,
    "kvm-pv/x2apic-cluster": 75.72293590,
}
ROUNDS = 4


def broadcasts() -> list[Case]:
    """The four fitted cases."""
    registry = load()
    selection = Selection(workloads=("broadcast",), senders=("native", "kvm-pv"))
    cases, _ = expand(registry.suite("norov"), selection, registry, HostIds())
    return sorted(cases, key=lambda case: list(PUBLISHED).index(case.stack.name))


def wall_us(case: Case, cost_profile: CostProfile) -> float:
    """Modelled time of one iteration."""
    prepared = prepare(case)
    result = Engine(case.guest, cost_profile).load(prepared.task).run(loops=5, warmup=10)
    return result.distributions["wall"].mean / 1e6


def with_costs(cost_profile: CostProfile, values: dict[str, float]) -> CostProfile:
    """*cost_profile* with some costs in ps replaced."""
    changed = {
        name: attrs.evolve(cost_profile.costs[name], ps=ps) for name, ps in values.items()
    }
    costs: dict[str, Cost] = cost_profile.costs | changed
    return attrs.evolve(cost_profile, costs=costs)


def residuals(cases: list[Case], cost_profile: CostProfile) -> np.ndarray:
    """Modelled over published, less one."""
    return np.array([wall_us(c, cost_profile) / PUBLISHED[c.stack.name] - 1 for c in cases])


def main() -> None:
    """Gauss-Newton; the model is almost linear in its costs."""
    cases, cost_profile = broadcasts(), read("skylake-2018")
    values = {name: cost_profile.costs[name].ps for name in FITTED}
    for _ in range(ROUNDS):
        current_residuals = residuals(cases, with_costs(cost_profile, values))
        slopes = np.array(
            [
                (
                    residuals(cases, with_costs(cost_profile, values | {n: values[n] + 1000}))
                    - current_residuals
                )
                / 1000
                for n in FITTED
            ]
        ).T
        step, *_ = np.linalg.lstsq(slopes, -current_residuals)
        values = {n: values[n] + s for n, s in zip(FITTED, step, strict=True)}
    for name, ps in values.items():
        print(f"{name:16} {ps / 400:8.1f} cycles of 2.5 GHz")
    for case, residual in zip(
        cases, residuals(cases, with_costs(cost_profile, values)), strict=True
    ):
        print(f"{case.stack.name:24} residual {residual:+.1%}")


if __name__ == "__main__":
    main()
