"""
A sweep of the model for times that cannot be: every cost profile, stack and target state.

Calls to 1 to 254 CPUs of a guest of 255 (7 of 8 where the driver has flat logical IDs),
with a host CPU for each vCPU and with half as many.  In each case:

- no acknowledgement comes before the last delivery, and none after the iteration;
- sending takes at least as long as its empty hypercalls;
- no time falls when targets are added, but for a reason that is printed;
- costs that have no part in the case do not change it.

    python benchmarks/plausible.py
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from typing import Final

import attrs

from pvbench.delivery import TARGET_STATES
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst, Hypercall
from pvbench.plugin.loader import load
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Stack
from pvbench.suite import Case
from pvbench.workload import Workload
from pvbench_deliver_model import unsupported
from pvbench_deliver_model.cost_file import bundled, read
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.engine import Engine

LADDER: Final = (
    *(1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 79, 96),
    *(112, 127, 128, 129, 144, 160, 179, 191, 192, 193, 208, 224, 240, 253, 254),
)
VCPUS: Final = 255
FLAT_VCPUS: Final = 8
NEVER_PAID: Final = (
    "fault",
    "local_call",
    "local_call_entry",
    "lock_handover",
    "queue_handover",
)
TIMES: Final = ("send", "deliver", "ack", "wall")
HOSTS_FREE: Final = "the burst before takes longer, so its targets have left their host CPUs"
UNICAST: Final = "an overlay may leave the unicast to an only target to the driver"
MASK_TO_ALL: Final = "the call to all others may take another way than a mask"


@attrs.frozen
class Row:
    """The cases of one stack: a guest, a cost profile and a state."""

    profile: CostProfile
    stack: Stack
    state: str
    host_cpus: int | None

    @property
    def vcpus(self) -> int:
        """The vCPUs of its guest."""
        return FLAT_VCPUS if "flat" in self.stack.driver.name else VCPUS

    @property
    def name(self) -> str:
        """Its name in a finding."""
        hosts = f" on {self.host_cpus} host CPUs" if self.host_cpus else ""
        return f"{self.profile.name} {self.stack.name} {self.state}{hosts}"


def rows(names: Iterable[str], states: Iterable[str]) -> Iterator[Row]:
    """Every row that the model runs."""
    registry = load()
    drivers = [d for d in registry.drivers.values() if d.mechanism != "kernel"]
    stacks = [Stack(d, o) for d in drivers for o in (None, *registry.overlays.values())]
    for name, stack, state in product(names, stacks, states):
        profile = read(name)
        for shared in (False, True):
            row = Row(profile, stack, state, None)
            if shared:
                row = attrs.evolve(row, host_cpus=row.vcpus // 2)
            if prepared(row, 1):
                yield row


def prepared(row: Row, targets: int) -> Prepared | None:
    """A call to the first *targets* CPUs after the source; None if nothing runs it."""
    burst = Burst(source=0, operation="smp_call_function_many", targets=range(1, targets + 1))
    ids = tuple(range(row.vcpus))
    guest = row.stack.guest(Guest(name="ids", apic_ids=ids, host_cpus=row.host_cpus))
    case = Case(
        suite="plausible",
        suite_version=1,
        workload=Workload(name="call", summary="-", bursts=lambda guest: (burst,)),
        stack=row.stack,
        guest=guest,
        linux=LinuxEra(no_ipi_broadcast=True),
        target_state=row.state,
        delivery="model",
        site="local",
        costs=row.profile.name,
        bursts=(burst,),
    )
    if why_unsupported(case):
        return None
    ready = prepare(case)
    if ready.lossy or unsupported.why_unsupported(
        guest, ready.task, unsupported.limits_of(row.profile)
    ):
        return None
    return ready


def times(ready: Prepared, profile: CostProfile) -> dict[str, float]:
    """The median of each time of a case, in ps."""
    result = Engine(ready.case.guest, profile).load(ready.task).run(loops=4, warmup=8)
    return {name: one.median for name, one in result.distributions.items()}


def impossible(row: Row, ready: Prepared, now: dict[str, float]) -> Iterator[str]:
    """What no machine could do."""
    if not now["deliver"] <= now["ack"] <= now["wall"]:
        yield "a time is out of order"
    calls = sum(type(op) is Hypercall for op in ready.bursts[0].program)
    if calls and now["send"] < calls * row.profile.ps("hypercall"):
        yield "it takes less than its empty hypercalls"


def fallen(
    row: Row, few: int, before: dict[str, float], many: int, after: dict[str, float]
) -> Iterator[tuple[str, str]]:
    """Times that fall from *few* to *many* targets, each with its reason, '' for none."""
    reason = MASK_TO_ALL if many == row.vcpus - 1 else ""
    if few == 1 and row.stack.overlay:
        reason = UNICAST
    shares = row.state == "halted" and row.host_cpus and after["wall"] >= before["wall"]
    for name in TIMES:
        if name in before and name in after and after[name] < before[name]:
            is_free = shares and name == "deliver"
            yield (
                f"{name} falls from {few} to {many} targets",
                reason or (HOSTS_FREE if is_free else ""),
            )


def dependent(row: Row, ready: Prepared, now: dict[str, float]) -> Iterator[str]:
    """Costs that have no part in the case but change its times."""
    unrelated = [*NEVER_PAID]
    if row.host_cpus is None:
        unrelated.append("timeslice")
    if not any(type(op) is Hypercall for op in ready.bursts[0].program):
        unrelated += ["hypercall", "guest_read"]
    if row.state != "halted":
        unrelated += ["wake_sender", "wake_polled", "halt_poll_max", "halt_poll_start"]
    costs = row.profile.costs
    more = {name: attrs.evolve(costs[name], ps=2 * costs[name].ps + 1e6) for name in unrelated}
    if times(ready, attrs.evolve(row.profile, costs=costs | more)) != now:
        yield f"it depends on one of {', '.join(unrelated)}"


def findings(
    row: Row, ladder: Iterable[int], counts: Counter[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong in a row, each with the reason that explains it, '' for none."""
    known: list[tuple[int, dict[str, float]]] = []
    for targets in ladder:
        ready = prepared(row, targets) if targets < row.vcpus else None
        if ready is None:
            continue
        now = times(ready, row.profile)
        counts["cases"] += 1
        known.append((targets, now))
        yield from ((f"{targets} targets: {what}", "") for what in impossible(row, ready, now))
        if len(known) == 2:
            yield from ((what, "") for what in dependent(row, ready, now))
    for (few, before), (many, after) in pairwise(known):
        yield from fallen(row, few, before, many, after)


def main() -> int:
    """Print each finding with its reason, and the number of cases; 1 if one has no reason."""
    counts: Counter[str] = Counter()
    for row in rows(bundled(), TARGET_STATES):
        for what, reason in findings(row, LADDER, counts):
            counts["explained" if reason else "unexplained"] += 1
            print(f"{row.name}: {what}{f' ({reason})' if reason else ''}")
    print(f"{counts['cases']} cases, {counts['explained']} findings with a reason, ", end="")
    print(f"{counts['unexplained']} without")
    return int(bool(counts["unexplained"]))


if __name__ == "__main__":
    sys.exit(main())
