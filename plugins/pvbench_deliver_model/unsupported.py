"""Why the model cannot execute a task; the manager asks it, so nothing here needs numpy."""

from __future__ import annotations

from collections.abc import Mapping

from pvbench.delivery import Task
from pvbench.guest import Guest
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.host_era import last_vcpu_id, why_not_in_td, why_refused


def limits_of(profile: CostProfile) -> dict[str, int]:
    """The limits of *profile*, as `why_unsupported` takes them."""
    last_id = last_vcpu_id(profile)
    limits = {} if last_id is None else {"vcpu_id": last_id}
    return limits | {name: int(profile.local_apic == name) for name in ("bare", "tdx")}


def why_unsupported(guest: Guest, task: Task, limits: Mapping[str, int]) -> str | None:
    """Why the model with these *limits* cannot execute *task*; None if it can."""
    if task.mechanism == "kernel":
        return "sender `kernel` needs a running Linux kernel: use --delivery live"
    last_id = limits.get("vcpu_id")
    if last_id is not None and (reason := why_refused(last_id, guest)):
        return reason
    if shares_host_cpus(guest) and (reason := _why_not_shared(guest, task)):
        return reason
    if limits["tdx"]:
        return why_not_in_td(guest)
    return _why_not_bare(guest, task) if limits["bare"] else None


def shares_host_cpus(guest: Guest) -> bool:
    """Whether the guest has more vCPUs than it has host CPUs to run on."""
    return guest.host_cpus is not None and guest.host_cpus < len(guest.apic_ids)


def _why_not_shared(guest: Guest, task: Task) -> str | None:
    """Why the vCPUs of *task* cannot share the host CPUs of *guest*; None if they can."""
    if guest.offline:
        return "it does not model offline CPUs where vCPUs share host CPUs"
    if task.target_state == "polling":
        return "it does not model polling CPUs that share host CPUs and are preempted"
    if len(task.bursts) < 2:
        return None
    assert guest.host_cpus is not None  # noqa: S101 - it shares them
    places = {burst.source % guest.host_cpus for burst in task.bursts}
    if task.target_state == "halted" and len(places) == len(task.bursts):
        return None
    return "the model has no turns of several sources that share host CPUs with busy vCPUs"


def _why_not_bare(guest: Guest, task: Task) -> str | None:
    """Why a machine without a hypervisor cannot run *task*; None if it can."""
    if task.mechanism == "hypercall":
        return "bare metal has no hypervisor to call"
    if shares_host_cpus(guest):
        return "bare metal has no vCPUs that could share host CPUs"
    return None
