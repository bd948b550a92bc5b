"""The check that a delivery executes the bundled senders' ops, proved by its counts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

from pvbench.decode.era import Era
from pvbench.delivery import TARGET_STATES, BootedGuest, Delivery, Description, Options
from pvbench.errors import UnavailableError
from pvbench.guest import Guest
from pvbench.plugin.guard import watching
from pvbench.protocol import DescriptionReport, SliceReport, decode, encode
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.proof import differences, seconds
from pvbench.run.static_check import why_unsupported
from pvbench.slice_result import SliceResult
from pvbench.suite import Case
from pvbench.testing.cases import (
    attempt,
    bundled,
    case_of,
    check_offer,
    fail,
    stacks_of,
    where,
)
from pvbench.testing.scenes import host_guests, iterations, small_guests
from pvbench.trials import Outcome, Programs
from pvbench.verify.expected import BootState, Expected
from pvbench.verify.judge import differences as differences_of
from pvbench.verify.trials import Scene, Trial

Execute = Callable[[Programs, str], Outcome]


def check_delivery(delivery: Delivery, description: Description | None = None) -> None:
    """
    Check that *delivery* boots a few guests and runs the bundled senders' ops of many bursts.

    It runs in this process, not in a worker.

    Args:
        delivery: what is checked.
        description: as from ``delivery.describe``; None is its default.

    Raises:
        AssertionError: it errs, or nothing could be checked.
        UnavailableError: this machine cannot run it.
    """
    check_offer("delivery", delivery)
    if reason := delivery.why_unavailable():
        raise UnavailableError(f"{delivery.name} cannot be checked here", why=reason)
    given = description or attempt(delivery.name, "describe()", delivery.describe, Options())
    carried = attempt(delivery.name, "sending its description", _sent_description, given)
    if carried.runs_programs:
        return  # it executes no ops
    with watching():
        boots = _boots(delivery, carried, small_guests())
        boots = boots or _boots(delivery, carried, host_guests())
    if not boots:
        fail(delivery.name, "it supports no case of any bundled sender")
    _check_ends(delivery, next(iter(boots)), carried)
    for guest, cases in boots.items():
        with _booted(delivery, guest, carried) as booted:
            for prepared in cases:
                check_run(booted, prepared)
            if execute := getattr(booted, "execute", None):
                check_execute(execute, cases[0])


def check_run(
    booted: BootedGuest, prepared: Prepared, *, loops: int = 2, warmup: int = 1
) -> SliceResult:
    """
    Check that the result of a slice proves what the slice did, and has times.

    Raises:
        AssertionError: it does not.
    """
    place = where(prepared.case)
    loaded = attempt(place, "load()", booted.load, prepared.task)
    result = attempt(place, "run()", loaded.run, loops=loops, warmup=warmup)
    sent = attempt(place, "sending its slice result", _sent, result)
    if sent != result:
        fail(place, "its slice result changes on its way to the manager")
    if result.loops != loops:
        fail(place, f"its slice result has {result.loops} loops, not {loops}")
    if sentences := attempt(place, "comparing its counts", differences, prepared, result):
        fail(place, "; ".join(sentences))
    _check_times(prepared, result)
    return result


def check_execute(execute: Execute, prepared: Prepared) -> None:
    """
    Check that a guest which executes raw programs does what the decoder says.

    Raises:
        AssertionError: it does not.
    """
    place = where(prepared.case)
    guest = prepared.case.guest
    for expected, burst in zip(prepared.bursts, prepared.case.bursts, strict=True):
        trial = Trial(guest.name, [(burst.source, expected.program)])
        outcome = attempt(place, "execute()", execute, trial.programs, "halted")
        should = BootState(Scene(guest=guest), Era()).expected(trial)
        sentences = attempt(place, "comparing its outcome", _differences, should, outcome)
        if sentences:
            fail(place, f"execute(): {'; '.join(sentences)}")


def _differences(should: Expected, outcome: Outcome) -> list[str]:
    return list(differences_of(should, outcome))


def _sent_description(description: Description) -> Description:
    """*description* as the manager receives it."""
    report = decode(encode(DescriptionReport(description)))
    assert isinstance(report, DescriptionReport)  # noqa: S101 - the same kind
    return report.description


def _sent(result: SliceResult) -> SliceResult:
    """Encode and decode *result*, as on its way to the manager."""
    report = decode(encode(SliceReport(0, result)))
    assert isinstance(report, SliceReport)  # noqa: S101 - the same kind
    return report.result


def _check_times(prepared: Prepared, result: SliceResult) -> None:
    place = where(prepared.case)
    if not attempt(place, "converting its times", seconds, result, 1):
        fail(place, "its slice result has no times")
    if prepared.lossy and "ack" in result.distributions:
        fail(place, "it times acknowledgements although some targets never acknowledge")


def _boots(
    delivery: Delivery, description: Description, guests: Iterable[Guest]
) -> dict[Guest, list[Prepared]]:
    """The cases of each boot, without those that a delivery cannot tell apart."""
    boots: dict[Guest, dict[Any, Prepared]] = {}
    for case in _cases(delivery.name, guests):
        prepared = _supported(delivery, case, description)
        if prepared is None:
            continue
        programs = tuple(expected.program for expected in prepared.bursts)
        key = (case.target_state, case.bursts, programs)
        boots.setdefault(case.guest, {}).setdefault(key, prepared)
    return {guest: list(cases.values()) for guest, cases in boots.items()}


def _cases(delivery: str, guests: Iterable[Guest]) -> Iterator[Case]:
    stacks = [stack for sender in bundled().senders.values() for stack in stacks_of(sender)]
    for guest, state, stack in product(guests, TARGET_STATES, stacks):
        for bursts in iterations(guest):
            yield case_of(stack, guest, *bursts, target_state=state, delivery=delivery)


def _supported(delivery: Delivery, case: Case, description: Description) -> Prepared | None:
    if why_unsupported(case):
        return None
    prepared = prepare(case)
    arguments = (case.guest, prepared.task, description)
    reason = attempt(where(case), "why_unsupported()", delivery.why_unsupported, *arguments)
    if reason == "" or not isinstance(reason, str | None):
        fail(where(case), f"why_unsupported() returns {reason!r}, neither None nor a reason")
    return prepared if reason is None else None


def _check_ends(delivery: Delivery, guest: Guest, description: Description) -> None:
    """Check that the end of a boot hides no error and leaks no thread or file."""
    place = f"{delivery.name} on {guest.name}"
    hidden = True
    try:
        with _booted(delivery, guest, description):
            raise _ExpectedError
    except _ExpectedError:
        hidden = False
    if hidden:
        fail(place, "boot() hides an error that is raised inside its context")
    before = _resources()
    with _booted(delivery, guest, description):
        pass
    if leaked := sorted(_resources() - before):
        fail(place, f"boot() leaks {', '.join(leaked)}")


class _ExpectedError(AssertionError):
    """An error that must leave the context of a boot."""


@contextmanager
def _booted(
    delivery: Delivery, guest: Guest, description: Description
) -> Iterator[BootedGuest]:
    try:
        with delivery.boot(guest, description.worker_data) as booted:
            yield booted
    except AssertionError:
        raise
    except Exception as error:  # a plugin may fail in any way
        call = f"{delivery.name} on {guest.name}: boot()"
        raise AssertionError(f"{call} raises {type(error).__name__}: {error}") from error


def _resources() -> set[str]:
    """Threads and open files of this process."""
    threads = {f"thread {thread.name} ({thread.native_id})" for thread in threading.enumerate()}
    paths = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return threads | {f"file {path}" for path in paths if os.path.exists(path)}
