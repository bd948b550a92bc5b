"""Suites (questions) and cases (one stack, workload and guest to measure)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import attrs

from pvbench.errors import UsageError
from pvbench.ops import Burst
from pvbench.sender import Driver, Stack
from pvbench.topology import Guest, parse_guest

if TYPE_CHECKING:
    from pvbench.registry import Registry


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
    """

    name: str
    version: int
    summary: str
    workloads: tuple[str, ...]
    drivers: tuple[str, ...]
    overlays: tuple[str, ...] | None = None
    guests: tuple[str, ...]
    target_states: tuple[str, ...] = ("halted",)
    shorthands: bool = False


@attrs.frozen(kw_only=True)
class Case:
    """Everything that tells one measurement from another."""

    suite: str
    suite_version: int
    workload: str
    stack: Stack
    guest: Guest
    shorthands: bool
    target_state: str
    delivery: str
    site: str
    profile: str | None
    bursts: tuple[Burst, ...] = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """Unique among cases; for people and ``-k``, never parsed."""
        parts = [
            f"{self.suite}.{self.workload}",
            self.stack.name,
            _guest_name(self.guest),
            self.target_state,
            "shorthands" if self.shorthands else "masks",
            f"{self.delivery}@{self.site}",
            self.profile or "measured",
        ]
        return " ".join(parts)

    def metadata(self) -> dict[str, Any]:
        """The same as separate facts; `compare` matches cases by these."""
        overlay = self.stack.overlay
        return {
            "pvbench_suite": self.suite,
            "pvbench_suite_version": self.suite_version,
            "pvbench_workload": self.workload,
            "pvbench_sender": overlay.name if overlay else "native",
            "pvbench_driver": self.stack.driver.name,
            "pvbench_stack": self.stack.name,
            "pvbench_guest": self.guest.name,
            "pvbench_apic_ids": self.guest.ids_text,
            "pvbench_vcpus": len(self.guest.apic_ids),
            "pvbench_apic_mode": self.guest.apic_mode,
            "pvbench_guest_bits": self.guest.bits,
            "pvbench_host_cpus": self.guest.host_cpus or len(self.guest.apic_ids),
            "pvbench_shorthands": "yes" if self.shorthands else "no",
            "pvbench_target_state": self.target_state,
            "pvbench_delivery": self.delivery,
            "pvbench_site": self.site,
            "pvbench_profile": self.profile or "measured",
        }


def _guest_name(guest: Guest) -> str:
    name = guest.name
    if guest.bits != 64:
        name += f"/{guest.bits}bit"
    if guest.host_cpus:
        name += f"/on{guest.host_cpus}"
    return name


@attrs.frozen(kw_only=True)
class Selection:
    """What a user asks for instead of a suite's own choice; None keeps the suite's."""

    workloads: tuple[str, ...] | None = None
    senders: tuple[str, ...] | None = None
    drivers: tuple[str, ...] | None = None
    guests: tuple[str, ...] | None = None
    target_states: tuple[str, ...] | None = None
    shorthands: bool | None = None
    host_cpus: int | None = None
    bits: int = 64
    delivery: str = "model"
    site: str = "local"
    profile: str | None = None
    pattern: str = ""


def expand(
    suite: Suite, selection: Selection, registry: Registry
) -> tuple[list[Case], dict[str, str]]:
    """
    The cases of a suite, guests outermost, workloads innermost.

    Returns:
        The cases; and what the suite itself names but nobody offers, with the
        reason.

    Raises:
        UsageError: the selection names something nobody offers.
    """
    try:
        wanted = re.compile(selection.pattern)
    except re.error as error:
        raise UsageError(
            f"-k {selection.pattern!r} is no regular expression", why=str(error)
        ) from None
    suite, blocked = _without_missing(suite, registry)
    cases = [c for c in _all_cases(suite, selection, registry) if wanted.search(c.name)]
    return cases, blocked


def _without_missing(suite: Suite, registry: Registry) -> tuple[Suite, dict[str, str]]:
    """*suite* reduced to what is offered, and what is not."""
    blocked: dict[str, str] = {}

    def offered(kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
        table = registry.table(kind)
        for name in names:
            if name not in table:
                blocked[f"{suite.name} {kind} {name}"] = f"no plugin offers {kind} {name}"
        return tuple(name for name in names if name in table)

    reduced = attrs.evolve(
        suite,
        workloads=offered("workload", suite.workloads),
        drivers=offered("sender", suite.drivers),
        overlays=suite.overlays and offered("sender", suite.overlays),
    )
    return reduced, blocked


def _all_cases(suite: Suite, selection: Selection, registry: Registry) -> Iterator[Case]:
    stacks = _stacks(suite, selection, registry)
    names = selection.workloads or suite.workloads
    workloads = [registry.get("workload", name) for name in dict.fromkeys(names)]
    shorthands = suite.shorthands if selection.shorthands is None else selection.shorthands
    guests = [
        parse_guest(spec, host_cpus=selection.host_cpus, bits=selection.bits)
        for spec in selection.guests or suite.guests
    ]
    for plain in dict.fromkeys(guests):
        for target_state, stack, workload in product(
            dict.fromkeys(selection.target_states or suite.target_states), stacks, workloads
        ):
            guest = stack.guest(plain)
            runnable = workload.unsupported(guest) is None
            yield Case(
                suite=suite.name,
                suite_version=suite.version,
                workload=workload.name,
                stack=stack,
                guest=guest,
                shorthands=shorthands,
                target_state=target_state,
                delivery=selection.delivery,
                site=selection.site,
                profile=selection.profile,
                bursts=workload.bursts(guest) if runnable else (),
            )


def _stacks(suite: Suite, selection: Selection, registry: Registry) -> list[Stack]:
    """Drivers bare, then each overlay over each driver."""
    drivers = [_driver(name, registry) for name in selection.drivers or suite.drivers]
    if selection.senders is None:
        overlays = tuple(registry.overlays) if suite.overlays is None else suite.overlays
        senders: tuple[str, ...] = ("native", *overlays)
    else:
        senders = selection.senders
    stacks: list[Stack] = []
    for name in senders:
        stacks += _named(name, drivers, registry)
    return list(dict.fromkeys(stacks))


def _driver(name: str, registry: Registry) -> Driver:
    return registry.stack(name).driver


def _named(name: str, drivers: list[Driver], registry: Registry) -> list[Stack]:
    """A sender by name: ``native``, an overlay, a driver, or ``overlay/driver``."""
    if name == "native":
        return [Stack(driver) for driver in drivers]
    if "/" in name or name in registry.drivers:
        return [registry.stack(name)]
    overlay = registry.get("sender", name)
    return [Stack(driver, overlay) for driver in drivers]
