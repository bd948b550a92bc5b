"""Expansion of a suite and the user's selection into cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice, product
from typing import Any, Final

import attrs

from pvbench import linux_era
from pvbench.delivery import TARGET_STATES
from pvbench.errors import EmptyError, PluginError, UsageError, about, unknown
from pvbench.guest import Guest, HostIds
from pvbench.keywords import Keywords
from pvbench.linux_era import LinuxEra
from pvbench.plugin.guard import guarded, owner_of
from pvbench.plugin.registry import Registry
from pvbench.results.schema import case_name
from pvbench.run.possible import check_bursts, check_sends
from pvbench.run.stacks import NATIVE, stacks_of
from pvbench.suite import Case, Suite
from pvbench.text import one_line
from pvbench.topology import parse_guest
from pvbench.workload import Workload

_MOST_CASES: Final = 50_000


@attrs.frozen(kw_only=True)
class Selection:
    """
    The user's choices, which replace those of the suite; None keeps the suite's.

    Args:
        hosts: of the site, by ID or name; None for all.
        host: the one of them that the cases belong to; None where hosts are not kept apart.
        sweep: the costs that the cases set; empty without a sweep.
        cpu_vendor: of the guests' CPUs, as the delivery describes it; empty if unknown.
    """

    workloads: tuple[str, ...] | None = None
    senders: tuple[str, ...] | None = None
    drivers: tuple[str, ...] | None = None
    guests: tuple[str, ...] | None = None
    target_states: tuple[str, ...] | None = None
    linux: tuple[str, ...] | None = None
    host_cpus: int | None = None
    bits: int = 64
    delivery: str | None = None
    site: str = "local"
    hosts: tuple[str, ...] | None = None
    host: str | None = None
    costs: str | None = None
    sweep: str = ""
    cpu_vendor: str = ""
    cpus: tuple[int, ...] = ()
    execution: str = "algorithm"
    keywords: str = ""


def expand(
    suite: Suite,
    selection: Selection,
    registry: Registry,
    of_host: HostIds,
) -> tuple[list[Case], dict[str, str]]:
    """
    Expand a suite into cases; guests are the outermost loop, workloads the innermost.

    The guest ``host`` has the APIC IDs *of_host*, which the site gave.

    Returns:
        The cases; and for each name in the suite that no plugin offers, the reason why
        its cases are blocked.

    Raises:
        UsageError: the selection names something that no plugin offers.
        EmptyError: the selection leaves no case.
    """
    keywords = Keywords.parsed(selection.keywords)
    for state in selection.target_states or ():
        if state not in TARGET_STATES:
            listing = f"Targets are {' or '.join(TARGET_STATES)}."
            raise unknown("target state", state, TARGET_STATES, listing)
    suite, blocked = _without_missing(suite, selection, registry)
    all_cases = list(islice(_all_cases(suite, selection, registry, of_host), _MOST_CASES + 1))
    check_number(suite, len(all_cases))
    cases = [case for case in all_cases if keywords.matches(case_name(case))]
    if all_cases and not cases:
        what = (
            f"-k {selection.keywords!r} matches none of the "
            f"{len(all_cases)} cases of {suite.name}"
        )
        raise EmptyError(what, fix="`pvbench run SUITE --dry-run` lists them.")
    if not cases and not blocked:
        raise EmptyError(f"suite {suite.name} has no cases")
    return cases, blocked


def check_number(suite: Suite, cases: int) -> None:
    """Refuse more cases than a plan can have."""
    if cases > _MOST_CASES:
        raise UsageError(
            f"suite {suite.name} has more than {_MOST_CASES} cases",
            fix="Choose fewer with --workload, --sender and --guest.",
        )


def _without_missing(
    suite: Suite, selection: Selection, registry: Registry
) -> tuple[Suite, dict[str, str]]:
    """Remove names that no plugin offers from *suite*, and say which of them are needed."""
    blocked: dict[str, str] = {}

    def offered(kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
        table = registry.table(kind)
        for name in names:
            if name not in table:
                blocked[f"{suite.name} {kind} {name}"] = f"no plugin offers {kind} {name}"
        return tuple(name for name in names if name in table)

    families = {spec: spec.split(":")[0] for spec in suite.workloads}
    names = set(families.values())
    if selection.workloads is None:
        names = set(offered("workload", tuple(dict.fromkeys(families.values()))))
    drivers, overlays = suite.drivers, suite.overlays
    if selection.drivers is None and drivers != (NATIVE,):
        drivers = offered("sender", drivers)
    if selection.senders is None and overlays is not None:
        overlays = offered("sender", overlays)
    workloads = tuple(spec for spec, name in families.items() if name in names)
    return attrs.evolve(suite, workloads=workloads, drivers=drivers, overlays=overlays), blocked


def _all_cases(
    suite: Suite, selection: Selection, registry: Registry, of_host: HostIds
) -> Iterator[Case]:
    guests = [
        parse_guest(spec, host_cpus=selection.host_cpus, bits=selection.bits, of_host=of_host)
        for spec in selection.guests or suite.guests
    ]
    eras = [linux_era.parsed(v, selection.cpu_vendor) for v in selection.linux or suite.linux]
    for guest, linux in product(dict.fromkeys(guests), dict.fromkeys(eras)):
        yield from _cases_of(suite, selection, registry, guest, linux)


def _cases_of(
    suite: Suite, selection: Selection, registry: Registry, base_guest: Guest, linux: LinuxEra
) -> Iterator[Case]:
    """The cases of one guest with one kernel."""
    specs = selection.workloads or suite.workloads
    with _about_workloads(selection):
        members = [one for spec in specs for one in registry.workloads(spec, base_guest)]
    workloads = list({workload.spec: workload for workload in members}.values())
    native = registry.native_driver(base_guest, linux)
    drivers, senders = selection.drivers or suite.drivers, selection.senders
    if senders is None:
        senders = (NATIVE, *(registry.overlays if suite.overlays is None else suite.overlays))
    states = dict.fromkeys(selection.target_states or suite.target_states)
    stacks = stacks_of(senders, drivers, registry, native)
    for target_state, stack, workload in product(states, stacks, workloads):
        guest = stack.guest(base_guest)
        with _about_workloads(selection):
            bursts = _bursts(workload, guest)
        yield Case(
            suite=suite.name,
            suite_version=suite.version,
            workload=workload,
            stack=stack,
            guest=guest,
            linux=linux,
            native_driver=native.name if native else "",
            target_state=target_state,
            delivery=selection.delivery or suite.delivery,
            site=selection.site,
            host=selection.host,
            sweep=selection.sweep,
            answer=suite.answer,
            costs=selection.costs,
            **bursts,
        )


def _about_workloads(selection: Selection) -> AbstractContextManager[None]:
    """Errors of workloads are about the option if the user chose them."""
    return about("--workload") if selection.workloads else nullcontext()


def _bursts(workload: Workload, guest: Guest) -> dict[str, Any]:
    """Return the burst fields of a case, or the field that says why it has no bursts."""
    if workload.sends is not None:
        return _sends(workload, guest)
    try:
        with guarded(f"workload {workload.spec}", lambda: owner_of(workload.bursts)):
            bursts = workload.bursts_in(guest)
            if isinstance(bursts, str):
                return {"bursts": (), "why_unsupported": one_line(bursts)}
            check_bursts(bursts, guest)
    except PluginError as error:
        return {"bursts": (), "why_blocked": str(error)}
    return {"bursts": bursts}


def _sends(workload: Workload, guest: Guest) -> dict[str, Any]:
    """The same fields of a recording, each of whose bursts is checked alone."""
    try:
        with guarded(f"workload {workload.spec}", lambda: owner_of(workload.sends)):
            sends = workload.sends_in(guest)
            if isinstance(sends, str):
                return {"bursts": (), "why_unsupported": one_line(sends)}
            check_sends(sends, guest)
            sample = workload.sample_in(guest)
            if sample and len(sample) != len(sends):
                raise ValueError("it does not say of each send how it was drawn")
    except PluginError as error:
        return {"bursts": (), "why_blocked": str(error)}
    bursts, repeats = zip(*sends, strict=True)
    return {"bursts": bursts, "repeats": repeats, "sample": sample}
