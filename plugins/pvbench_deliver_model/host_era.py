"""
The era of a host: rules of KVM that depend on its Linux and on its processor.

A cost profile names both.  Each rule names its commit; ``in_guest`` applies the rules that
decide how a local APIC works in one guest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from pvbench.guest import Guest
from pvbench_deliver_model.cost_profile import CostProfile


@attrs.frozen(kw_only=True)
class HostRule:
    """
    A rule of KVM.

    Args:
        first: the first Linux of a host that follows it.
        last: the last one; None if none has dropped it.
        commit: where Linux has it, by hash or, if that was not read, by subject.
        effect: what it does, as a sentence.
        families: the processor families that it is limited to; empty for all.
    """

    first: str
    commit: str
    effect: str
    last: str | None = None
    families: tuple[str, ...] = ()

    def holds(self, profile: CostProfile) -> bool:
        """Whether the host of *profile* follows the rule."""
        is_family = not self.families or profile.cpu_family in self.families
        linux = release(profile.host_linux)
        is_dropped = self.last is not None and linux > release(self.last)
        return is_family and linux >= release(self.first) and not is_dropped


FASTPATH: Final = HostRule(
    first="5.6",
    commit="1e9e2622a149",
    effect="An x2APIC ICR write to one physical destination takes the exit fast path.",
)
FASTPATH_BY_MAP: Final = HostRule(
    first="6.18",
    commit="\"KVM: x86: Only allow 'fast' IPIs in fastpath WRMSR(X2APIC_ICR) handler\"",
    effect="An x2APIC ICR write takes the exit fast path if the APIC map has its destination.",
)
AVIC_INHIBITED_BY_ID: Final = HostRule(
    first="6.17",
    commit="1aa6e256e46f",
    effect="A vCPU ID beyond AVIC's table inhibits AVIC; before, KVM refuses the vCPU.",
)
ERRATUM_1235: Final = HostRule(
    first="6.17",
    commit='"KVM: SVM: Disable (x2)AVIC IPI virtualization if CPU has erratum #1235"',
    effect="Each send to another vCPU exits, and interrupts are still received directly.",
    families=("AMD 17h", "Hygon 18h"),
)
X2AVIC: Final = HostRule(
    first="6.0",
    commit='"KVM: SVM: Add AVIC support for x2APIC mode" (series x2AVIC, 2022)',
    effect="AVIC works in x2APIC guests; before, or without x2AVIC, they inhibit it.",
)
BLOCKED_BEFORE_POLLED: Final = HostRule(
    first="5.4",
    last="5.16",
    commit="07ab0f8d9a12",
    effect="KVM blocks a halted vCPU before it polls for it, so that each AVIC send to it "
    "exits; commit f6c60d081e2c polls first again.",
)

TDX: Final = HostRule(
    first="6.16",
    commit="f65916ae2d73",
    effect="A TD has x2APICs only, and KVM answers its own hypercalls there, no other ones.",
)

# The last vCPU ID in AVIC's table of physical APIC IDs.
LAST_AVIC_ID: Final = {"avic": 254, "x2avic": 511}


def release(version: str) -> tuple[int, ...]:
    """The numbers of a Linux version, such as 6.17, in their order."""
    return tuple(int(number) for number in version.split("."))


def icr_fastpath(profile: CostProfile) -> str:
    """Which x2APIC ICR writes take the exit fast path: ``none``, ``physical`` or ``any``."""
    if FASTPATH_BY_MAP.holds(profile):
        return "any"
    return "physical" if FASTPATH.holds(profile) else "none"


def last_vcpu_id(profile: CostProfile) -> int | None:
    """The last vCPU ID that KVM accepts because of AVIC; None for no limit of AVIC."""
    return None if AVIC_INHIBITED_BY_ID.holds(profile) else LAST_AVIC_ID.get(_table(profile))


def why_refused(last_id: int, guest: Guest) -> str | None:
    """Why KVM refuses a vCPU of *guest* where AVIC's table ends with *last_id*, or None."""
    highest = max(guest.apic_ids)
    if highest <= last_id:
        return None
    return (
        f"KVM with AVIC refuses vCPU ID {highest} before Linux {AVIC_INHIBITED_BY_ID.first} "
        f"(commit {AVIC_INHIBITED_BY_ID.commit}), because AVIC's table ends with {last_id}"
    )


def notes(profile: CostProfile) -> Iterator[str]:
    """Sentences about the guests in which AVIC does not send, or not without an exit."""
    if profile.local_apic not in LAST_AVIC_ID:
        return
    if ERRATUM_1235.holds(profile):
        yield f"From Linux {ERRATUM_1235.first} on, erratum 1235 makes each AVIC send exit."
    elif _table(profile) == "avic":
        yield "KVM inhibits AVIC in x2APIC guests of this host, so each of their sends exits."


def why_not_in_td(guest: Guest) -> str | None:
    """Why a TD of Intel TDX cannot be *guest*, or None."""
    if guest.apic_mode != "x2apic":
        return f"a TD of Intel TDX has no xAPIC, only an x2APIC (commit {TDX.commit})"
    if name := {"hyperv": "Hyper-V", "xen": "Xen"}.get(guest.hypercall_abi):
        return f"KVM serves no hypercalls of {name} in a TD of Intel TDX (commit {TDX.commit})"
    return None


def in_guest(profile: CostProfile, guest: Guest) -> CostProfile:
    """*profile* with the local APIC that KVM gives the vCPUs of *guest*."""
    if profile.local_apic not in LAST_AVIC_ID:
        return profile
    return attrs.evolve(profile, local_apic=_avic_in(profile, guest))


def _table(profile: CostProfile) -> str:
    """The table of AVIC that KVM uses: x2AVIC's from the Linux on that has it."""
    has_x2avic = profile.local_apic == "x2avic" and X2AVIC.holds(profile)
    return "x2avic" if has_x2avic else profile.local_apic.removeprefix("x2")


def _avic_in(profile: CostProfile, guest: Guest) -> str:
    table = _table(profile)
    if guest.apic_mode == "x2apic" and table == "avic":
        return "emulated"
    if max(guest.apic_ids) > LAST_AVIC_ID[table]:
        return "emulated"
    return "avic-exits" if ERRATUM_1235.holds(profile) else "avic"
