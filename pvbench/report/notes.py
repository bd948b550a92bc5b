"""Sentences below a table: the sources of its times, and their limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from pvbench.id_lists import parsed
from pvbench.results import schema
from pvbench.results.rows import HEADLINE, Row, ordered
from pvbench.text import shortened_list


def notes(members: list[Row], series: str) -> Iterator[str]:
    """Sentences about the rows of one table of *series*."""
    yield from _file_sentences(members)
    yield from _isolated(members)
    yield from _sampled(members, series)
    yield from _emulated(members)
    yield from _assumed(members, series)
    yield from distance(members)
    yield from _spread(members, series)
    yield from _not_shown(members)


def _file_sentences(members: list[Row]) -> Iterator[str]:
    """The sentences that the metadata of the rows contain, each once."""
    sentences = (schema.sentences(row.facts) for row in members)
    yield from dict.fromkeys(chain.from_iterable(sentences))


def _isolated(members: list[Row]) -> Iterator[str]:
    """The meaning of the times of a recording."""
    if any(row.fact("recording") for row in members):
        yield (
            "The sends of a recording are isolated bursts: the workload's target states, "
            "contention and coalescing are not reproduced.  Their time is that of sending."
        )


def _sampled(members: list[Row], series: str) -> Iterator[str]:
    """The interval that a sample of sends leaves."""
    sampled = [row for row in members if row.fact("sampling_error") is not None]
    if parts := _by_workload(sampled, series, lambda row: row.fact("sampling_error"), digits=1):
        yield f"Sampling interval (95 %), plus and minus, by stack: {parts}."


def _emulated(members: list[Row]) -> Iterator[str]:
    """The meaning of the times of an emulator."""
    if any(row.is_near_exact for row in members):
        yield (
            "Path lengths are no measure of a sender: compare senders by their counts, and "
            "kernels by the path lengths of one sender."
        )


def _assumed(members: list[Row], series: str) -> Iterator[str]:
    """The part of modelled times that depends on assumed costs."""
    modelled = [row for row in members if row.fact("assumed") is not None]
    if parts := _by_workload(modelled, series, lambda row: float(row.fact("assumed"))):
        yield f"Part of the time that rests on assumed costs (confidence C), by stack: {parts}."


def distance(members: Iterable[Row]) -> Iterator[str]:
    """What modelled times of a guest with several sockets do not show."""
    if any(row.kind == "modelled" and row.fact("sockets") for row in members):
        yield (
            "The model has no cost of distance: an IPI to another socket costs as much as one "
            "within a socket."
        )


def _spread(members: list[Row], series: str) -> Iterator[str]:
    """The spread of measured times over the boots."""
    measured = [r for r in members if len(r.boots_s) > 1 and r.has_times and not r.is_exact]
    digits = 2 if any(row.is_near_exact for row in measured) else 0
    if parts := _by_workload(measured, series, _range, digits):
        yield f"Spread of the boots, (highest - lowest) / median: {parts}."


def _range(row: Row) -> float:
    return (max(row.boots_s) - min(row.boots_s)) / row.value_s


def _by_workload(
    members: list[Row], series: str, value_of: Callable[[Row], float], digits: int = 0
) -> str:
    """Each workload with the lowest and the highest value of its stacks, in percent."""
    parts: dict[str, list[float]] = {}
    for row in members:
        if row.fact("series") == series:
            parts.setdefault(row.fact("workload"), []).append(value_of(row))
    return ", ".join(f"{name} {_percent(stacks, digits)}" for name, stacks in parts.items())


def _percent(parts: list[float], digits: int) -> str:
    low, high = (f"{100 * part:.{digits}f}" for part in (min(parts), max(parts)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _not_shown(members: list[Row]) -> Iterator[str]:
    """Bypassed senders, comparisons across boots, unmet conditions and lost IPIs."""
    sending = [row for row in members if row.fact("targets")]
    bypassed = [row for row in sending if row.fact("overlaid") == "no"]
    acting = {_sent_by(row) for row in sending if row.fact("overlaid") == "yes"}

    def sender_name(row: Row) -> str:
        """The sender, with its driver if the sender acts over another driver."""
        sender = str(row.fact("sender"))
        return f"{sender} over {row.fact('driver')}" if _sent_by(row) in acting else sender

    for (reason,), workloads, senders in _merged(bypassed, sender_name, _why_native):
        verb = "send" if ", " in senders else "sends"
        yield f"Note: {senders} {verb} nothing in {shortened_list(workloads)}: {reason}."
    yield from _polling(members)
    yield from _equal_senders([row for row in sending if row.fact("series") == HEADLINE])
    for fact, axis_name in (("apic_mode", "APIC modes"), ("hypercall_abi", "hypercall ABIs")):
        values = [str(value) for value in ordered(members, fact) if value]
        if len(values) > 1:
            yield f"Note: {axis_name} are compared across boots: {', '.join(values)}."
    yield from _unmet_conditions(sending)
    lossy = [row for row in sending if row.fact("lost")]
    for (lost, targets), workloads, stacks in _merged(
        lossy, _stack, lambda r: r.fact("lost"), lambda r: r.fact("targets")
    ):
        verb = "lose" if ", " in stacks else "loses"
        yield (
            f"Note: {stacks} {verb} {lost} of {targets} IPIs of {shortened_list(workloads)}; "
            f"a sender that waits for them hangs, so there is no time to acknowledgement."
        )


def _polling(members: list[Row]) -> Iterator[str]:
    """The workloads that send nothing because their only target polls."""
    silent = [row for row in members if row.fact("sources") and not row.fact("targets")]
    polling = [row for row in silent if row.fact("target_state") == "polling"]
    if workloads := dict.fromkeys(row.fact("workload") for row in polling):
        yield (
            f"Note: no IPI is sent in {shortened_list(workloads)}, so all senders have the "
            "same times: an only target that polls sees the call in its queue, and a call "
            "to the caller itself needs no IPI."
        )


def _unmet_conditions(members: list[Row]) -> Iterator[str]:
    """Conditions of the measurement that differ from those in the name of the case."""
    without_algorithm = [row for row in members if row.fact("execution") == "ops"]
    for _, _, stacks in _merged(without_algorithm, _stack):
        yield f"Note: the ops of {stacks} were computed beforehand, not by the guest (ops)."
    stand_ins = [row for row in members if row.fact("stand_in")]
    for (stand_in,), _, stacks in _merged(stand_ins, _stack, lambda row: row.fact("stand_in")):
        yield f"Note: {stacks} was never merged, so the guest calls {stand_in}."
    for _, _, stacks in _merged([row for row in members if row.fact("patched_kvm")], _stack):
        verb = "were" if ", " in stacks else "was"
        yield f"Note: {stacks} {verb} never merged; a patched KVM serves the hypercall."
    if any(_is_overcommitted(row) for row in members):
        yield "Note: the guest has more vCPUs than this machine has CPUs for it."
    blocked = [row for row in members if row.kind == "modelled" and _are_woken(row)]
    for _, workloads, stacks in _merged(blocked, _stack):
        yield (
            f"Note: in {shortened_list(workloads)} of {stacks} targets halt for longer than "
            "KVM polls, so each is woken; a burst that is a little shorter takes less by a "
            "step."
        )
    unproved = [row for row in members if set(row.proved) - {row.fact("target_state"), ""}]
    for (states,), workloads, stacks in _merged(unproved, _stack, _states):
        yield f"Note: in {shortened_list(workloads)} of {stacks} targets were {states}."


def _are_woken(row: Row) -> bool:
    """Whether KVM had to schedule halted targets of a burst."""
    return row.fact("series") == HEADLINE and bool(row.fact("wakeups_blocked"))


def _is_overcommitted(row: Row) -> bool:
    """Whether its vCPUs shared CPUs of the host; those of an emulated machine always do."""
    return row.fact("overcommitted") == "yes" and row.kind != "emulated"


def _states(row: Row) -> str:
    required = row.fact("target_state")
    others = sorted(set(row.proved) - {required})
    return f"not always proved {required}: also {' or '.join(others)}"


def _sent_by(row: Row) -> tuple[Any, Any]:
    return row.fact("workload"), row.fact("sender")


def _stack(row: Row) -> str:
    return str(row.fact("stack"))


def _equal_senders(members: list[Row]) -> Iterator[str]:
    """Senders with equal times and counts; bypassed senders are left out."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for row in members:
        if row.fact("overlaid") == "yes":
            counts = (row.fact("icr_writes"), row.fact("hypercalls"))
            key = (row.fact("workload"), row.fact("sweep"), *counts, row.value_s)
            groups.setdefault(key, []).append(row.fact("stack"))
    workloads: dict[tuple[str, ...], dict[str, None]] = {}
    for (workload, *_), stacks in groups.items():
        senders = dict.fromkeys(stack.rpartition("/")[0] or stack for stack in stacks)
        if len(senders) > 1:
            workloads.setdefault(tuple(senders), {})[workload] = None
    for names, workload_names in workloads.items():
        where = shortened_list(workload_names)
        yield f"Note: {', '.join(names)} have the same time and counts in {where}."


def _merged(
    members: list[Row], name: Callable[[Row], str], *facts: Callable[[Row], Any]
) -> Iterator[tuple[tuple[Any, ...], tuple[str, ...], str]]:
    """Group *members* into (facts, workloads, names); a group shares facts and workloads."""
    workloads_of: dict[tuple[Any, ...], dict[str, None]] = {}
    for row in members:
        key = (tuple(fact(row) for fact in facts), name(row))
        workloads_of.setdefault(key, {})[row.fact("workload")] = None
    names_of: dict[tuple[Any, ...], list[str]] = {}
    for (values, row_name), workloads in workloads_of.items():
        names_of.setdefault((values, tuple(workloads)), []).append(row_name)
    for (values, shared_workloads), names in names_of.items():
        yield values, shared_workloads, ", ".join(names)


def _online(row: Row) -> int:
    """The CPUs of its guest that are online."""
    offline = row.fact("offline_cpus")
    return int(row.fact("vcpus")) - (len(parsed(str(offline), "CPU")) if offline else 0)


def _why_native(row: Row) -> str:
    targets, online = row.fact("targets") / (row.fact("sources") or 1), _online(row)
    if targets == 1 and online <= 2:
        return "with two CPUs all IPIs are unicasts, which the driver sends"
    if targets == 1:
        return "the driver sends unicasts"
    if row.fact("shorthands") == "yes" and targets >= online - 1:
        return "Linux 5.4 and later send full broadcasts by the driver's shorthand"
    return "the driver's callback sends these IPIs"
