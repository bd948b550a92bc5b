"""Sentences below a table: where its times are from, and what it cannot show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from pvbench.results import schema
from pvbench.results.rows import HEADLINE, Row, ordered
from pvbench.text import some


def notes(members: list[Row], series: str) -> Iterator[str]:
    """Sentences about the rows of one table, which shows *series*."""
    yield from _told(members)
    yield from _assumed(members, series)
    yield from _spread(members, series)
    yield from _not_shown(members)


def _told(members: list[Row]) -> Iterator[str]:
    """What a file says of itself."""
    sentences = (schema.sentences(row.facts) for row in members)
    yield from dict.fromkeys(chain.from_iterable(sentences))


def _assumed(members: list[Row], series: str) -> Iterator[str]:
    """How much of the modelled times rests on assumed numbers."""
    shown = [row for row in members if row.fact("assumed") is not None]
    if parts := _by_workload(shown, series, lambda row: float(row.fact("assumed"))):
        yield f"Part of the time that rests on assumed costs (confidence C), by stack: {parts}."


def _spread(members: list[Row], series: str) -> Iterator[str]:
    """How far the boots of measured times lie apart."""
    shown = [r for r in members if len(r.boots_s) > 1 and not r.is_exact]
    if parts := _by_workload(shown, series, _range):
        yield f"Spread of the boots, (highest - lowest) / median: {parts}."


def _range(row: Row) -> float:
    return (max(row.boots_s) - min(row.boots_s)) / row.value_s


def _by_workload(members: list[Row], series: str, part: Callable[[Row], float]) -> str:
    """Each workload with the lowest and the highest part of its stacks."""
    parts: dict[str, list[float]] = {}
    for row in members:
        if row.fact("series") == series:
            parts.setdefault(row.fact("workload"), []).append(part(row))
    return ", ".join(f"{name} {_percent(found)}" for name, found in parts.items())


def _percent(parts: list[float]) -> str:
    low, high = (f"{100 * part:.0f}" for part in (min(parts), max(parts)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _not_shown(members: list[Row]) -> Iterator[str]:
    """What a result cannot show, and what was lost."""
    sending = [row for row in members if row.fact("targets")]
    bypassed = [row for row in sending if row.fact("overlaid") == "no"]
    acting = {_sent_by(row) for row in sending if row.fact("overlaid") == "yes"}

    def called(row: Row) -> str:
        """The sender, with its driver if the sender acts over another driver."""
        sender = str(row.fact("sender"))
        return f"{sender} over {row.fact('driver')}" if _sent_by(row) in acting else sender

    for (reason,), workloads, senders in _merged(bypassed, called, _why_native):
        many = "send" if ", " in senders else "sends"
        yield f"Note: {senders} {many} nothing in {some(workloads)}: {reason}."
    yield from _alike([row for row in sending if row.fact("series") == HEADLINE])
    for fact, named in (("apic_mode", "APIC modes"), ("hypercall_abi", "hypercall ABIs")):
        boots = [str(found) for found in ordered(members, fact) if found]
        if len(boots) > 1:
            yield f"Note: {named} are compared across boots: {', '.join(boots)}."
    yield from _conditions_missed(sending)
    lossy = [row for row in sending if row.fact("lost")]
    for (lost, targets), workloads, stacks in _merged(
        lossy, _stack, lambda r: r.fact("lost"), lambda r: r.fact("targets")
    ):
        many = "lose" if ", " in stacks else "loses"
        yield (
            f"Note: {stacks} {many} {lost} of {targets} IPIs of {some(workloads)}; a sender "
            f"that waits for them hangs, so there is no time to acknowledgement."
        )


def _conditions_missed(members: list[Row]) -> Iterator[str]:
    """What was measured otherwise than its name says."""
    replayed = [row for row in members if row.fact("execution") == "ops"]
    for _, _, stacks in _merged(replayed, _stack):
        yield f"Note: the ops of {stacks} were computed beforehand, not by the guest (ops)."
    instead = [row for row in members if row.fact("stand_in")]
    for (told,), _, stacks in _merged(instead, _stack, lambda row: row.fact("stand_in")):
        yield f"Note: {stacks} was never merged; what is called is {told}."
    if any(row.fact("overcommitted") == "yes" for row in members):
        yield "Note: the guest has more vCPUs than this machine has CPUs for it."
    missed = [row for row in members if set(row.proved) - {row.fact("target_state"), ""}]
    for (states,), workloads, stacks in _merged(missed, _stack, _states):
        yield f"Note: in {some(workloads)} of {stacks} targets were {states}."


def _states(row: Row) -> str:
    wanted = row.fact("target_state")
    return f"not always proved {wanted}: also {' or '.join(sorted(set(row.proved) - {wanted}))}"


def _sent_by(row: Row) -> tuple[Any, Any]:
    return row.fact("workload"), row.fact("sender")


def _stack(row: Row) -> str:
    return str(row.fact("stack"))


def _alike(members: list[Row]) -> Iterator[str]:
    """Stacks that do the same in the same time, the bypassed ones left out."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for row in members:
        if row.fact("overlaid") == "yes":
            counts = (row.fact("icr_writes"), row.fact("hypercalls"))
            key = (row.fact("workload"), *counts, row.value_s)
            groups.setdefault(key, []).append(row.fact("stack"))
    workloads: dict[tuple[str, ...], dict[str, None]] = {}
    for (workload, *_), stacks in groups.items():
        senders = dict.fromkeys(stack.rpartition("/")[0] or stack for stack in stacks)
        if len(senders) > 1:
            workloads.setdefault(tuple(senders), {})[workload] = None
    for names, of in workloads.items():
        yield (f"Note: {', '.join(names)} have the same time and counts in {some(of)}.")


def _merged(
    members: list[Row], name: Callable[[Row], str], *facts: Callable[[Row], Any]
) -> Iterator[tuple[tuple[Any, ...], tuple[str, ...], str]]:
    """(facts, workloads, names) with all that share facts and workloads in one."""
    workloads_of: dict[tuple[Any, ...], dict[str, None]] = {}
    for row in members:
        key = (tuple(fact(row) for fact in facts), name(row))
        workloads_of.setdefault(key, {})[row.fact("workload")] = None
    names_of: dict[tuple[Any, ...], list[str]] = {}
    for (found, one), workloads in workloads_of.items():
        names_of.setdefault((found, tuple(workloads)), []).append(one)
    for (found, names_workloads), names in names_of.items():
        yield found, names_workloads, ", ".join(names)


def _why_native(row: Row) -> str:
    targets, vcpus = row.fact("targets") / (row.fact("sources") or 1), row.fact("vcpus")
    if targets == 1 and vcpus <= 2:
        return "with two CPUs all IPIs are unicasts, which the driver sends"
    if targets == 1:
        return "the driver sends unicasts"
    if row.fact("shorthands") == "yes" and targets >= vcpus - 1:
        return "Linux 5.4 and later send full broadcasts by the driver's shorthand"
    return "the driver's callback sends these IPIs"
