"""From the raw results of a slice and the host's readings to its `SliceResult`."""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.delivery import Task
from pvbench.guest import Guest
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.measure.tasks import sources_of, targets_of, waited_for
from pvbench_deliver_kvm.vmm.binary_stats import OBSERVED

HALTED_SHARE: Final = 0.9  # of handler runs that must begin with a wake-up from a halt
DELAY_SHARE: Final = 0.02  # of its time that the thread of a running target may wait
BY_KVM: Final = "KVM's counter"
BY_GUEST: Final = "the guest's own count"

Facts = dict[str, str | int | float]


@attrs.frozen(kw_only=True)
class Context:
    """
    The properties that all slices of a loaded task share.

    Args:
        execution: ``algorithm`` or ``ops``.
        cpu_list: the host CPUs that were chosen; empty for any.
        usable_cpus: how many host CPUs the vCPU threads may use.
        tscs_agree: all vCPUs are known to have the same TSC.
        icr_writes_traced: for an iteration, by the host's tracepoint; or why unknown.
        null_ticks: what an iteration that sends nothing takes, as facts.
        host_facts: stored with each result.
    """

    guest: Guest
    execution: str
    cpu_list: tuple[int, ...]
    usable_cpus: int
    tsc_khz: int
    tscs_agree: bool
    icr_writes_traced: str | float
    null_ticks: dict[str, int]
    host_facts: Facts


def slice_result(
    task: Task, loops: int, raw: RawResult, change: Readings, context: Context
) -> SliceResult:
    """The result of a slice; *change* is the change of the host's readings during it."""
    return SliceResult(
        loops=loops,
        distributions=series(task, loops, raw, tscs_agree=context.tscs_agree),
        counts=counts(task, raw, change, context.guest),
        partial=raw.partial,
        target_state=target_state(task, raw, change),
        ticks_per_second=context.tsc_khz * 1000,
        faults=(*raw.troubles, *unexpected_vectors(raw)),
        host_faults=double_deliveries(raw),
        facts=facts(task, loops, change, context),
    )


def series(
    task: Task, loops: int, raw: RawResult, *, tscs_agree: bool
) -> dict[str, Distribution]:
    """The times by series, without those that are meaningless for this task or host."""
    times = {name: Distribution.of(ticks) for name, ticks in raw.samples.items() if ticks}
    if len(task.bursts) > 1:
        times["makespan"] = Distribution.of_span(raw.span_ticks, loops)
    for name in _meaningless(task, tscs_agree=tscs_agree):
        times.pop(name, None)
    return times


def _meaningless(task: Task, *, tscs_agree: bool) -> tuple[str, ...]:
    if task.lossy:
        return ("deliver", "ack", "wall")
    if tscs_agree:
        return ()
    # These are differences between the TSCs of two CPUs.
    only_self = all(burst.targets == (burst.source,) for burst in task.bursts)
    return ("makespan",) if only_self else ("deliver", "makespan")


def counts(task: Task, raw: RawResult, change: Readings, guest: Guest) -> Counts:
    """The guest's counts, and KVM's where it keeps them."""
    handled = raw.handled
    bare = all(burst.protocol == "bare" for burst in task.bursts)
    sources, targets = sources_of(task), targets_of(task)
    return Counts(
        icr_writes=raw.icr_writes,
        hypercalls=_hypercalls(raw, change, guest),
        returned=raw.returned,
        handlers=handled.runs,
        coalesced=[0] * len(handled.runs) if _is_serial(task) else None,
        functions=handled.runs if bare else handled.functions,
        exits=change.total("exits", sources) if sources else None,
        wakeups_polled=change.total("halt_successful_poll", targets),
        wakeups_blocked=change.total("halt_wakeup", targets),
    )


def _is_serial(task: Task) -> bool:
    """Whether no send can meet an earlier one that is still pending."""
    return len(task.bursts) <= 1 and (task.lossy or waited_for(task))


def _hypercalls(raw: RawResult, change: Readings, guest: Guest) -> int | None:
    if hypercall_proof(change, guest) == BY_KVM:
        return change.total("hypercalls", guest.cpus)
    return raw.hypercalls


def hypercall_proof(change: Readings, guest: Guest) -> str:
    """The source of the count of hypercalls; KVM does not count those of Hyper-V."""
    counted = change.counters and "hypercalls" in change.counters[0]
    return BY_KVM if counted and guest.hypercall_abi != "hyperv" else BY_GUEST


def target_state(task: Task, raw: RawResult, change: Readings) -> str:
    """The state that the targets were in, by the counters of KVM and the scheduler."""
    targets = targets_of(task) - sources_of(task)
    if task.target_state == "running":
        return _running_state([change.delays[cpu] for cpu in targets])
    polled = change.total("halt_successful_poll", targets)
    blocked = change.total("halt_wakeup", targets)
    if polled is None or blocked is None:
        return "unknown" if targets else "halted"
    runs = sum(raw.handled.runs[cpu] for cpu in targets)
    return "halted" if polled + blocked >= HALTED_SHARE * runs else "preempted"


def _running_state(delays: list[float | None]) -> str:
    if None in delays:  # the kernel updates a thread's times only when it is scheduled
        return "unknown"
    longest = max(filter(None, delays), default=0)
    return "preempted" if longest > DELAY_SHARE else "running"


def unexpected_vectors(raw: RawResult) -> tuple[str, ...]:
    """A sentence for each CPU that handled a vector of no burst."""
    return tuple(
        f"CPU {cpu} handled a vector that no burst has"
        for cpu, runs in enumerate(raw.handled.unexpected)
        if runs
    )


def double_deliveries(raw: RawResult) -> tuple[str, ...]:
    """A sentence for each CPU that took an interrupt which cannot have come."""
    return tuple(
        "the emulator delivered an interrupt twice: "
        f"CPU {cpu} took one while its interrupts were off"
        for cpu, interrupts in enumerate(raw.handled.impossible)
        if interrupts
    )


def facts(task: Task, loops: int, change: Readings, context: Context) -> Facts:
    """Further facts that are stored with a slice."""
    guest = context.guest
    return {
        **context.host_facts,
        "execution": context.execution,
        "tsc_khz": context.tsc_khz,
        "tsc_offsets": "equal" if context.tscs_agree else "unknown or different",
        "kvm_counters": ",".join(sorted(change.counters[0])) if change.counters else "none",
        **_observed(task, loops, change),
        "hypercall_proof": hypercall_proof(change, guest),
        "cpu_list": ",".join(map(str, context.cpu_list)) or "any",
        "overcommitted": "yes" if len(guest.apic_ids) > context.usable_cpus else "no",
        "source_delay_share": _source_delay_share(task, change),
        "icr_writes_traced": context.icr_writes_traced,
        **context.null_ticks,
    }


def _observed(task: Task, loops: int, change: Readings) -> dict[str, float]:
    """The counters of OBSERVED for an iteration, of sources and targets together."""
    cpus = sources_of(task) | targets_of(task)
    totals = {name: change.total(name, cpus) for name in OBSERVED}
    return {
        f"kvm_{name}": round(total / loops, 6)
        for name, total in totals.items()
        if total is not None
    }


def _source_delay_share(task: Task, change: Readings) -> str | float:
    """The largest share of its time that a source waited for a host CPU."""
    delays = [change.delays[burst.source] for burst in task.bursts]
    measured = [delay for delay in delays if delay is not None]
    if len(measured) < len(delays):
        return "unknown"
    return round(max(measured, default=0.0), 4)
