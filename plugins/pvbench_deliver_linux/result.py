"""The result of a program: its times, its counts, and whether they show anything."""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs

from pvbench.delivery import Task
from pvbench.linux_era import LinuxEra
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI
from pvbench_deliver_linux.control import Answer
from pvbench_deliver_linux.vcpus import Reading

_SHOWN: Final = 8  # values of a count


@attrs.frozen
class State:
    """What tells the guests of a pair apart."""

    has_pv_ipi: bool
    linux: LinuxEra
    idle: str

    @classmethod
    def of(cls, task: Task) -> State:
        """The guest that *task* needs."""
        linux = task.algorithm.linux if task.algorithm else LinuxEra()
        return cls(task.mechanism == "hypercall", linux, task.target_state)


@attrs.frozen
class Traced:
    """
    Counts of a program that was traced and not timed.

    Args:
        hypercalls: by number.
        icr_writes: by value.
    """

    hypercalls: Counter[int]
    icr_writes: Counter[int]


@attrs.frozen
class Timed:
    """A program that was timed, and what happened meanwhile."""

    answer: Answer
    used: Reading


def faults_of(
    state: State, facts: dict[str, str], canary: int, counts: Traced
) -> tuple[str, ...]:
    """Why the program shows nothing about PV IPIs; nothing if it does."""
    number = counts.hypercalls[KVM_HC_SEND_IPI]
    if not state.has_pv_ipi:
        return tuple(
            f"{count} hypercalls {KVM_HC_SEND_IPI} of {whose}, although kvm-pv-ipi is off"
            for whose, count in {"the canary": canary, "the program": number}.items()
            if count
        )
    if facts.get("pv_ipi_offered") != "yes":
        return ("KVM offers the guest no PV IPI, although kvm-pv-ipi is on",)
    if not canary:
        return (f"the canary made no hypercall {KVM_HC_SEND_IPI}, although kvm-pv-ipi is on",)
    return ()


def slice_result(
    timed: Timed,
    counts: Traced,
    *,
    faults: tuple[str, ...],
    facts: dict[str, str | int | float],
    hides_icr_writes: bool,
) -> SliceResult:
    """The result of a program that ran once."""
    used = timed.used.counters
    spans = {"wall": timed.answer.wall_ns, "vcpu": timed.used.cpu_ns}
    times = {name: Distribution.of_span(ns, 1) for name, ns in spans.items() if ns}
    icr_writes = None if hides_icr_writes else counts.icr_writes.total()
    return SliceResult(
        loops=1,
        distributions=times | timed.answer.times,
        counts=Counts(
            icr_writes=icr_writes,
            hypercalls=counts.hypercalls[KVM_HC_SEND_IPI],
            returned=None,
            handlers=(),
            coalesced=None,
            functions=(),
            exits=used.get("exits"),
            wakeups_polled=used.get("halt_successful_poll"),
            wakeups_blocked=used.get("halt_wakeup"),
        ),
        target_state="unknown",
        ticks_per_second=10**9,
        faults=faults,
        facts=facts,
    )


def facts_of(
    guest: dict[str, str], canary: int, counts: Traced
) -> dict[str, str | int | float]:
    return {
        **{f"guest_{name}": value for name, value in guest.items()},
        "canary_hypercalls": canary,
        "hypercalls_by_number": _listed(counts.hypercalls, "{}"),
        "icr_writes_by_value": _listed(counts.icr_writes, "{:#x}"),
    }


def _listed(counts: Counter[int], form: str) -> str:
    """The most frequent values with their counts; ``none`` if there are none."""
    shown = (f"{form.format(value)}: {count}" for value, count in counts.most_common(_SHOWN))
    return ", ".join(shown) or "none"
