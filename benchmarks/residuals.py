"""
The model beside each published figure, in the state in which that was measured.

A figure that a cost was fitted to, or read from, has that in its column `basis`; the others
are predictions.  The tests of kvm-unit-tests pass the function through memory, so one more
cache line travels to the target than in a call of Linux.

    python benchmarks/residuals.py
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from tabulate import tabulate

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

NO_FASTPATH: Final = {"host_linux": "5.5"}
NO_IPIV: Final = {"local_apic": "apicv"}
DIFFERENCE: Final = "a cost is the difference of two of these"


@attrs.frozen(kw_only=True)
class Figure:
    """
    One published figure.

    Args:
        name: what was measured.
        published: in ns, or in cycles of the cost profile's clock.
        series: the modelled time: that of a result, or ``receive`` for what a target takes.
        basis: how the cost profile uses the figure; empty for a prediction.
        features: what differs from the cost profile.
        lines: cache lines that travel besides those of a call of Linux.
    """

    name: str
    costs: str
    stack: str
    published: float
    unit: str = "cycles"
    series: str = "wall"
    state: str = "running"
    basis: str = ""
    features: dict[str, Any] = attrs.field(factory=dict)
    vcpus: int = 2
    wait: bool = True
    lock: bool = False
    call: bool = True
    linux: str = "4.19"
    lines: int = 0

    @property
    def bursts(self) -> tuple[Burst, ...]:
        """The source's call to all others, or its bare IPI to CPU 1."""
        others = tuple(range(1, self.vcpus))
        operation = "smp_call_function_many" if self.call else "send_IPI"
        burst = Burst(
            source=0, operation=operation, targets=others, wait=self.wait, lock=self.lock
        )
        return (burst,)


def _figure(
    name: str, costs: str, stack: str, published: float, unit: str = "ns", **facts: Any
) -> Figure:
    return Figure(name=name, costs=costs, stack=stack, published=published, unit=unit, **facts)


def _norov() -> list[Figure]:
    cells = {
        "x2apic-physical": (2_554, 198_451, 198_274),
        "kvm-pv/x2apic-physical": (2_496, 78_065, 91_436),
        "x2apic-cluster": (2_513, 92_822, 88_129),
        "kvm-pv/x2apic-cluster": (2_557, 75_723, 83_161),
    }
    facts: dict[str, Any] = {"costs": "skylake-2018", "state": "halted"}
    rows = []
    for stack, (normal, broadcast, lock) in cells.items():
        facts["stack"] = stack
        rows += [
            _figure("normal-ipi", published=normal, **facts),
            _figure("broadcast", published=broadcast, vcpus=80, basis="fitted", **facts),
            _figure("broadcast-lock", published=lock, vcpus=80, lock=True, **facts),
        ]
    return rows


def _unit(name: str, costs: str, published: float, **facts: Any) -> Figure:
    """A round trip of kvm-unit-tests, from the write until the source sees the answer."""
    shared: dict[str, Any] = {
        "series": "ack",
        "call": False,
        "lines": 1,
        "stack": PHYSICAL,
        "unit": "cycles",
    }
    return Figure(
        name=f"unit test ipi{name}", costs=costs, published=published, **shared | facts
    )


SKX: Final = "skylake-fastpath"
SPR: Final = "sapphire-rapids-ipiv"
ROME: Final = "epyc-rome-avic"
GENOA: Final = "epyc-genoa-x2avic"
BARE: Final = "bare-metal"
PHYSICAL: Final = "x2apic-physical"
XAPIC: Final = "xapic-physical"
FLAT: Final = "xapic-flat"
PV: Final = "kvm-pv/xapic-flat"
READ: Final[dict[str, Any]] = {"basis": "read"}
SENT: Final[dict[str, Any]] = {"series": "send", "call": False}
NO_WAIT: Final[dict[str, Any]] = {"series": "send", "wait": False}
SERVED: Final[dict[str, Any]] = {"series": "deliver"}
ALL_179: Final[dict[str, Any]] = {"vcpus": 180, "linux": "5.8", "basis": "fitted"}
FIGURES: Final = (
    *_norov(),
    _unit(", no fast path", SKX, 4238, features=NO_FASTPATH, state="halted"),
    _unit(", fast path", SKX, 3543, state="halted"),
    _unit(", fast path improved", SKX, 3293, state="halted"),
    _unit(" x2APIC, IPIv off", SPR, 4337.85, features=NO_IPIV),
    _unit(" x2APIC, IPIv on", SPR, 3644.8, basis=DIFFERENCE),
    _unit(" xAPIC, IPIv off", SPR, 6059, features=NO_IPIV, stack=XAPIC, basis=DIFFERENCE),
    _unit(" xAPIC, IPIv on", SPR, 4713.1, stack=XAPIC, basis=DIFFERENCE),
    _figure("send, AVIC", ROME, FLAT, 2219, "cycles", **READ, **SENT),
    _figure("send, PV", ROME, PV, 3756, "cycles", **READ, **SENT),
    _figure("call with wait, AVIC", ROME, FLAT, 3217, "cycles"),
    _figure("call with wait, PV", ROME, PV, 4249, "cycles"),
    _figure("call without wait, AVIC", ROME, FLAT, 2953, "cycles", **READ, **NO_WAIT),
    _figure("call without wait, PV", ROME, PV, 4190, "cycles", **NO_WAIT),
    _figure("IPI on EPYC 7742, AVIC", ROME, FLAT, 1390, series="ack"),
    _figure("IPI on EPYC 7742, PV", ROME, PV, 1860, series="ack"),
    _figure("broadcast to 179, AVIC", ROME, XAPIC, 179 * 1070, **ALL_179),
    _figure("unicast, x2AVIC with fence", GENOA, PHYSICAL, 1172.42, basis=DIFFERENCE, **SERVED),
    _figure(
        *("unicast, x2AVIC without fence", GENOA, PHYSICAL, 1117.44),
        **(SERVED | {"linux": "6.8", "basis": "fitted"}),
    ),
    _figure("unicast, AVIC", GENOA, XAPIC, 1124.98, **SERVED),
    _figure("send, bare metal", BARE, PHYSICAL, 437, "cycles", **READ, **SENT),
    _figure("receive, bare metal", BARE, PHYSICAL, 1582, "cycles", series="receive", **READ),
)


def profile_of(figure: Figure) -> CostProfile:
    """The cost profile with what differs from it."""
    return attrs.evolve(read(figure.costs), **figure.features)


def modelled(figure: Figure, *, assumed_times: float = 1) -> float:
    """The model's time in the unit of *figure*, with each assumed cost multiplied."""
    profile = profile_of(figure).with_assumed(assumed_times)
    ps = _time_ps(figure, profile) + figure.lines * profile.ps("ack_poll")
    return ps / 1000 if figure.unit == "ns" else ps / _cycle_ps(figure)


def assumed_part(figure: Figure) -> float:
    """The part of the modelled time that rests on assumed costs."""
    full, reduced = (modelled(figure, assumed_times=times) for times in (1, 0.99))
    return max(0.0, (full - reduced) / (0.01 * full))


def residual(figure: Figure) -> float:
    """Modelled over published, less one."""
    return modelled(figure) / figure.published - 1


def _cycle_ps(figure: Figure) -> float:
    """The picoseconds of a cycle: 2.3 GHz for EPYC of family 17h, else 2.5 GHz."""
    return 1e3 / (2.3 if "rome" in figure.costs else 2.5)


def _time_ps(figure: Figure, profile: CostProfile) -> float:
    if figure.series == "receive":
        parts = ("interrupt_entry", "eoi", "handler_work", "interrupt_exit")
        return sum(profile.ps(name) for name in parts)
    stack = load().stack(figure.stack)
    case = Case(
        suite="residuals",
        suite_version=1,
        workload=Workload(name="figure", summary="-", bursts=lambda guest: figure.bursts),
        stack=stack,
        guest=stack.guest(parse_guest(str(figure.vcpus))),
        linux=LinuxEra(version=figure.linux, vendor=profile.cpu_family.partition(" ")[0]),
        target_state=figure.state,
        delivery="model",
        site="local",
        costs=profile.name,
        bursts=figure.bursts,
    )
    result = Engine(case.guest, profile).load(prepare(case).task).run(loops=10, warmup=10)
    return result.distributions[figure.series].mean


def main() -> None:
    """Print the table."""
    table = [
        [
            *(figure.name, figure.stack, figure.costs, figure.state),
            f"{figure.published:.0f} {figure.unit}",
            f"{modelled(figure):.0f}",
            f"{residual(figure):+.1%}",
            f"{assumed_part(figure):.0%}",
            figure.basis,
        ]
        for figure in FIGURES
    ]
    headers = ["figure", "stack", "cost profile", "targets", "published", "modelled"]
    print(tabulate(table, [*headers, "residual", "assumed", "basis"], tablefmt="github"))


if __name__ == "__main__":
    main()
