"""Suites (questions) and cases (one stack, workload and guest to measure)."""

from __future__ import annotations

from typing import Any

import attrs

from pvbench.delivery import TARGET_STATES, Algorithm
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.sender import Stack
from pvbench.validators import integer, one_of, texts
from pvbench.workload import Workload


@attrs.frozen(kw_only=True)
class Suite:
    """
    A question: which workloads, stacks and guests to compare.

    Args:
        name: unique, lower case with dashes.
        version: raise it when results stop being comparable.
        workloads: names of workloads, in the order of their columns.
        drivers: names of drivers.
        overlays: names of overlays; None is all there are.  The bare drivers
            always run too.
        guests: topology specifications.
        target_states: what targets do while they wait, ``halted`` or ``running``.
        shorthands: the guest kernel sends full broadcasts by shorthand (Linux 5.4
            and later).
        delivery: the delivery it is about, used where the user names none.
    """

    name: str
    version: int = attrs.field(validator=integer(1, 1 << 31, "it counts the changes"))
    summary: str
    workloads: tuple[str, ...] = attrs.field(validator=texts("names of workloads"))
    drivers: tuple[str, ...] = attrs.field(validator=texts("names of drivers"))
    overlays: tuple[str, ...] | None = None
    guests: tuple[str, ...] = attrs.field(validator=texts("topologies", least=1))
    target_states: tuple[str, ...] = attrs.field(
        default=("halted",),
        validator=attrs.validators.deep_iterable(one_of(*TARGET_STATES)),
    )
    shorthands: bool = False
    delivery: str = "model"


@attrs.frozen(kw_only=True)
class Case:
    """Everything that tells one measurement from another."""

    suite: str
    suite_version: int
    workload: Workload
    stack: Stack
    guest: Guest
    shorthands: bool
    target_state: str
    delivery: str
    site: str
    costs: str | None
    bursts: tuple[Burst, ...] = attrs.field(repr=False)
    why_unsupported: str | None = None  # why the guest cannot have the bursts
    why_blocked: str | None = None  # what is wrong with the workload

    @property
    def name(self) -> str:
        """Unique among cases; for people and ``-k``, never parsed."""
        parts = [
            f"{self.suite}.{self.workload.spec}",
            self.stack.name,
            _guest_name(self.guest),
            self.target_state,
            "shorthands" if self.shorthands else "masks",
            f"{self.delivery}@{self.site}",
            self.costs or "measured",
        ]
        return " ".join(parts)

    @property
    def algorithm(self) -> Algorithm:
        """What makes its ops."""
        overlay = self.stack.overlay
        return Algorithm(
            driver=self.stack.driver.name,
            overlay=overlay.name if overlay else "",
            shorthands=self.shorthands,
        )

    def metadata(self) -> dict[str, Any]:
        """The same as separate facts; `compare` matches cases by these."""
        overlay = self.stack.overlay
        return {
            "pvbench_suite": self.suite,
            "pvbench_suite_version": self.suite_version,
            "pvbench_workload": self.workload.spec,
            "pvbench_sender": overlay.name if overlay else "native",
            "pvbench_driver": self.stack.driver.name,
            "pvbench_stack": self.stack.name,
            "pvbench_guest": self.guest.name,
            "pvbench_apic_ids": self.guest.ids_text,
            "pvbench_vcpus": len(self.guest.apic_ids),
            "pvbench_apic_mode": self.guest.apic_mode,
            "pvbench_hypercall_abi": self.guest.hypercall_abi,
            "pvbench_guest_bits": self.guest.bits,
            "pvbench_shorthands": "yes" if self.shorthands else "no",
            "pvbench_target_state": self.target_state,
            "pvbench_delivery": self.delivery,
            "pvbench_site": self.site,
            "pvbench_costs": self.costs or "measured",
            **self._host_cpus(),
            **_family(self.workload),
        }

    def _host_cpus(self) -> dict[str, int]:
        """Of a modelled host; a measured one says what it gave the guest."""
        cpus = self.guest.host_cpus or (len(self.guest.apic_ids) if self.costs else None)
        return {"pvbench_host_cpus": cpus} if cpus else {}


def _family(workload: Workload) -> dict[str, Any]:
    """Where one of a family stands in it."""
    if not workload.parameters:
        return {}
    parameter, value = next(iter(workload.parameters.items()))
    variant = {"pvbench_variant": workload.variant} if workload.variant else {}
    return variant | {
        "pvbench_family": workload.name,
        "pvbench_parameter": parameter,
        "pvbench_parameter_value": value,
    }


def _guest_name(guest: Guest) -> str:
    name = guest.name
    if guest.bits != 64:
        name += f"/{guest.bits}bit"
    if guest.host_cpus:
        name += f"/on{guest.host_cpus}"
    return name
