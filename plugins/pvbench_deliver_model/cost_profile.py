"""
A cost profile: the cost of each operation of the model, and its confidence.

Confidence A: measured for exactly this operation; B: derived, or fitted to the data that
the source names; C: assumed.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

# All costs that a cost profile must have, with their meaning.
COSTS: Final = {
    "loop_overhead": "one iteration of the benchmark's own loop",
    "local_call_entry": "function call to the sending CPU until the function runs",
    "local_call": "function call to the own CPU until it returns",
    "csd_queue": "queueing one entry on another CPU's call queue, with its cache misses",
    "queue_handover": "the cache line of a call queue, from one sender to the next",
    "ack_poll": "reading the acknowledgement that another CPU wrote",
    "irq_toggle": "local_irq_save or local_irq_restore",
    "fence": "mfence; lfence",
    "store": "a store to memory",
    "scan_cpu": "visiting one CPU of a mask",
    "poll_notice": "a polling idle CPU notices a call in its queue",
    "interrupt_entry": "injection until the handler's first instruction",
    "eoi": "end of interrupt that does not exit",
    "eoi_exit": "end of interrupt with an emulated local APIC and without PV EOI",
    "handler_work": "the queued function with its acknowledgement",
    "interrupt_exit": "end of the handler until the CPU is idle again",
    "lock_handover": "a contended spinlock, from one CPU's release to the next one's",
    "exit": "an instruction that exits for little, such as CPUID, round trip",
    "hypercall": "an empty hypercall, round trip",
    "guest_read": "reading a hypercall's input from guest memory, in its exit",
    "icr_write": "an x2APIC ICR write that exits, without its targets, round trip",
    "icr_write_fastpath": "the same in the exit fast path",
    "icr_direct": "an x2APIC ICR write that does not exit, with its first target",
    "xapic_surcharge": "extra cost of an xAPIC send that exits over an x2APIC one",
    "xapic_surcharge_direct": "the same for sends that do not exit",
    "mmio_exit": "an access to the xAPIC page that exits and is emulated",
    "apic_access": "an access to an APIC register that does not exit",
    "fault": "an instruction that raises #GP",
    "deliver_target": "one target inside an exit: look-up, IRR, notification",
    "deliver_logical": "extra cost of a target that is found by its logical destination",
    "deliver_direct": "each further target of a send that does not exit",
    "avic_incomplete": "AVIC's exit for targets that do not run, without them, round trip",
    "match_vcpu": "checking whether a broadcast is for one vCPU",
    "posted_notification": "interrupt to a running vCPU, without exit, until injection",
    "kick": "kick of a running vCPU without posted interrupts until injection",
    "wake_sender": "waking one blocked vCPU, in the exit of its sender",
    "wake_polled": "wake-up of a vCPU during halt polling until injection",
    "wake_blocked": "wake-up of a vCPU that must be scheduled until injection",
    "halt_poll_max": "longest halt polling, halt_poll_ns",
    "halt_poll_start": "first halt polling, halt_poll_ns_grow_start",
    "timeslice": "time for which a host CPU runs one of several busy vCPUs",
}
RATIOS: Final = {
    "exit_entry_share": "part of an exit's round trip before its targets are served",
    "direct_entry_share": "the same part of a send that does not exit",
    "halt_poll_grow": "growth factor of halt polling",
    "halt_poll_shrink": "divisor of halt polling; 0 resets it",
    "stagger": "longest pause between bursts that call the same CPUs, in iterations",
}
# The implementation of a vCPU's local APIC, and which ICR writes exit with it:
#   emulated  KVM's software: all, and all other accesses in xAPIC mode
#   apicv     virtual registers and posted interrupts: all but self-IPIs
#   ipiv      apicv with IPI virtualization: all but unicasts
#   avic      AMD's AVIC, in xAPIC mode: only those to targets that do not run, and NMIs
#   x2avic    the same in both modes
#   tdx       apicv in a TD of Intel TDX, whose exits go through the TDX module
#   bare      the real local APIC without a hypervisor: none
# `host_era` says when KVM inhibits AVIC ("emulated") or its sends ("avic-exits").
LOCAL_APICS: Final = ("emulated", "apicv", "ipiv", "avic", "x2avic", "tdx", "bare")


@attrs.frozen(kw_only=True)
class Cost:
    """One number of a cost profile, in picoseconds unless it is a ratio."""

    ps: float
    confidence: str
    source: str
    fitted: bool = False


@attrs.frozen(kw_only=True)
class CostProfile:
    """
    A cost profile.

    Args:
        name: file name without its extension.
        sha256: hash of the file's bytes.
        local_apic: implementation of the vCPUs' local APICs, from LOCAL_APICS.
        host_linux: the Linux of the host, such as ``6.17``; see `host_era`.
        pv_eoi: guests end interrupts without an exit where the local APIC is emulated.
        cpu_family: the vendor and family of its processor, such as ``AMD 17h``.
        costs: by the names of COSTS, in picoseconds.
        ratios: by the names of RATIOS.
    """

    name: str
    title: str
    sha256: str
    local_apic: str
    host_linux: str
    cpu_family: str
    pv_eoi: bool
    costs: dict[str, Cost]
    ratios: dict[str, Cost]

    def ps(self, name: str) -> int:
        """Return cost *name* in whole picoseconds."""
        return round(self.costs[name].ps)

    def with_assumed(self, factor: float) -> CostProfile:
        """Return the profile with all assumed costs (confidence C) multiplied by *factor*."""
        costs = {
            name: attrs.evolve(cost, ps=cost.ps * factor) if cost.confidence == "C" else cost
            for name, cost in self.costs.items()
        }
        return attrs.evolve(self, costs=costs)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a job; `from_json` is the inverse."""
        data = attrs.asdict(self)
        return data | {"cost_profile": self.name, "cost_profile_sha256": self.sha256}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CostProfile:
        """Make a cost profile from the data of `to_json`."""
        fields = {name: data[name] for name in attrs.fields_dict(cls)}
        for table in ("costs", "ratios"):
            fields[table] = {k: Cost(**v) for k, v in fields[table].items()}
        return cls(**fields)
