"""
The model's predictions for the IPI tests of kvm-unit-tests, beside the published figures.

None of these figures was fitted to.  The tests' on_cpu() passes the function through
memory, so one cache line travels to the target besides the acknowledgement; the
target halts in between, too shortly for KVM's halt polling to give up.

    python benchmarks/unit_tests.py
"""

from __future__ import annotations

from typing import Any

import attrs
from tabulate import tabulate

from pvbench.ops import Burst
from pvbench.plugin.loader import load
from pvbench.run.prepared import prepare
from pvbench.suite import Case
from pvbench.topology import parse_guest
from pvbench.workload import Workload
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.engine import Engine

TSC_HZ = 2_500_000_000
NO_FASTPATH = {"host_linux": "5.5"}
NO_IPIV = {"local_apic": "apicv"}


@attrs.frozen
class Figure:
    """
    One published figure, cycles.

    Args:
        features: what differs from the cost profile.
        independent: no number of the cost profile was derived from it.
    """

    test: str
    cost_profile: str
    features: dict[str, Any]
    driver: str
    published_cycles: float
    independent: bool = True


_SKX, _SPR = "skylake-fastpath", "sapphire-rapids-ipiv"
_X2APIC, _XAPIC = "x2apic-physical", "xapic-physical"
FIGURES = (
    Figure("ipi, no fast path", _SKX, NO_FASTPATH, _X2APIC, 4238),
    Figure("ipi, fast path", _SKX, {}, _X2APIC, 3543),
    Figure("ipi, fast path improved", _SKX, {}, _X2APIC, 3293),
    Figure("ipi x2APIC, IPIv off", _SPR, NO_IPIV, _X2APIC, 4337.85),
    Figure("ipi x2APIC, IPIv on", _SPR, {}, _X2APIC, 3644.8, independent=False),
    Figure("ipi xAPIC, IPIv off", _SPR, NO_IPIV, _XAPIC, 6059, independent=False),
    Figure("ipi xAPIC, IPIv on", _SPR, {}, _XAPIC, 4713.1, independent=False),
)


def predicted_cycles(figure: Figure, *, assumed_times: float = 1) -> float:
    """
    The model's time for one round trip, in cycles of TSC_HZ.

    With every assumed cost multiplied by *assumed_times*.
    """
    cost_profile = attrs.evolve(read(figure.cost_profile), **figure.features)
    cost_profile = cost_profile.with_assumed(assumed_times)
    burst = Burst(source=0, operation="send_IPI", targets=(1,), vector=0xF0)
    spent_ps = _round_trip_ps(figure.driver, burst, cost_profile)
    return (spent_ps + cost_profile.ps("ack_poll")) * TSC_HZ / 10**12


def assumed_part(figure: Figure) -> float:
    """The part of the prediction that rests on assumed costs."""
    full, reduced = (predicted_cycles(figure, assumed_times=times) for times in (1, 0.99))
    return (full - reduced) / (0.01 * full)


def _round_trip_ps(driver: str, burst: Burst, cost_profile: CostProfile) -> float:
    stack = load().stack(driver)
    guest = stack.guest(parse_guest("2"))
    prepared = prepare(
        Case(
            suite="unit-tests",
            suite_version=1,
            workload=Workload(name="ipi", summary="-", bursts=lambda guest: (burst,)),
            stack=stack,
            guest=guest,
            shorthands=False,
            target_state="halted",
            delivery="model",
            site="local",
            costs=cost_profile.name,
            bursts=(burst,),
        )
    )
    result = Engine(guest, cost_profile).load(prepared.task).run(loops=10, warmup=10)
    return result.distributions["ack"].mean


def main() -> None:
    """Print the table."""
    rows = []
    for figure in FIGURES:
        cycles = predicted_cycles(figure)
        residual = f"{cycles / figure.published_cycles - 1:+.1%}"
        basis = "" if figure.independent else "cost profile uses a difference of these"
        row = [figure.test, round(figure.published_cycles), round(cycles), residual]
        rows.append([*row, f"{assumed_part(figure):.0%}", basis])
    headers = ["unit test", "published, cycles", "modelled", "residual", "assumed", "basis"]
    print(tabulate(rows, headers, tablefmt="github"))


if __name__ == "__main__":
    main()
