"""
Run the boots of a plan one after another; each is stored before the next starts.

A run boots as soon as it can; a side of `pvbench ab` only when it is told to.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Container, Generator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from pathlib import Path

import attrs

from pvbench.errors import ProtocolError, Status, worst
from pvbench.run import progress
from pvbench.run.ab_messages import Channel, Due, End, Greeting, Stored
from pvbench.run.boot import run_boot
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from pvbench.run.request import PreparedRun
from pvbench.run.signals import Stop
from pvbench.run.store import RunStore

_STATUS_OF = {
    "ok": Status.OK,
    "unsupported": Status.OK,
    "blocked": Status.ENVIRONMENT,
    "void": Status.PROOF,
    "failed": Status.ENVIRONMENT,
}


@attrs.frozen(kw_only=True)
class Ended:
    """
    The end of a run.

    Args:
        path: the pyperf file.
        measured: whether *path* exists; the journal beside it always does.
        signal: the signal that ended the run early, or 0.
    """

    path: Path
    status: Status
    measured: bool
    signal: int


Looks = Callable[[Path, int], bool]
# The numbers of the boots to run, each with the facts that its results store besides.  The
# next one is asked for when the one before is stored.
Order = Generator[tuple[int, Mapping[str, str]], None, None]


def run(
    prepared: PreparedRun, *, channel: Channel | None = None, looks: Looks | None = None
) -> Ended:
    """
    Run all boots; each is on disk before the next starts.

    A run with a noisy clock takes the lock for timed runs of the machine, a side of
    `pvbench ab` only while it boots.

    Args:
        prepared: what to run.
        channel: to the `pvbench ab` that says which boot is due.
        looks: says by the results whether the run may end after some boots of each guest.

    Raises:
        UsageError, UnavailableError: the result file cannot be created.
    """
    with RunStore.opened(prepared) as store:
        if channel:
            return _boots(prepared, store, partial(_told, prepared, store, channel))
        with _alone(prepared):
            return _boots(prepared, store, partial(_until, prepared, store, looks))


def _alone(prepared: PreparedRun) -> AbstractContextManager[None]:
    timed = prepared.plan.boots and prepared.launch.clock.is_noisy
    return prepared.launch.session.alone() if timed else nullcontext()


def _until(
    prepared: PreparedRun, store: RunStore, looks: Looks | None, stored: Container[int]
) -> Order:
    """The boots that are not stored, until a look says that there are enough."""
    ends = {boot.number_in_guest: number for number, boot in prepared.boots.items()}
    for number, boot in prepared.boots.items():
        if number not in stored:
            yield number, {}
        is_last = ends[boot.number_in_guest] == number
        if looks and is_last and looks(store.path, boot.number_in_guest):
            return


def _told(
    prepared: PreparedRun, store: RunStore, channel: Channel, stored: Container[int]
) -> Order:
    """
    The boots that `pvbench ab` asks for; if `pvbench ab` ends, the run ends as by SIGTERM.
    """
    clock = prepared.launch.clock
    sessions = {n: session for n in prepared.boots if (session := store.session_of(n))}
    try:
        channel.tell(
            Greeting(
                boots=len(prepared.boots),
                guests=_guests(prepared),
                is_noisy=clock.is_noisy,
                sessions=sessions,
            )
        )
        while due := _due(channel, prepared.boots):
            with _alone(prepared):
                yield due.boot, due.facts
            channel.tell(Stored(due.boot))
    except BrokenPipeError:
        signal.raise_signal(signal.SIGTERM)


def _guests(prepared: PreparedRun) -> int:
    return sum(boot.number_in_guest == 1 for boot in prepared.plan.boots)


def _due(channel: Channel, boots: Container[int]) -> Due | None:
    """The boot that `pvbench ab` asks for; None if no more boots are due."""
    match channel.hear():
        case End():
            return None
        case Due() as due if due.boot in boots:
            return due
        case None:
            raise BrokenPipeError
    raise ProtocolError("`pvbench ab` does not say which boot is due")


def _boots(
    prepared: PreparedRun, store: RunStore, order_of: Callable[[Container[int]], Order]
) -> Ended:
    order = order_of(store.resume())
    stop = Stop()
    display = progress.make(len(prepared.boots), quiet=prepared.request.quiet)
    with stop.on_signals(), display, closing(order):
        while due := stop.unless_signalled(partial(next, order, None)):
            number, facts = due
            boot = prepared.boots[number]
            display.boot(number, _name(boot))
            result = stop.unless_signalled(partial(run_boot, boot, prepared.launch))
            if result is None:
                break
            store.add(number, boot, result, facts)
    status = _status(store)
    store.finish(status, stop.signal, settled=bool(prepared.request.max_boots))
    return Ended(path=store.path, measured=store.measured, status=status, signal=stop.signal)


def _name(boot: Boot) -> str:
    """The guest of a boot, and its hypervisor by hypercall ABI unless that is KVM."""
    abi = boot.guest.hypercall_abi
    return boot.guest.name if abi == "kvm" else f"{boot.guest.name} {abi}"


def _status_of(outcome: Outcome) -> Status:
    return Status.INCONCLUSIVE if outcome.of_host else _STATUS_OF[outcome.kind]


def _status(store: RunStore) -> Status:
    statuses = list(map(_status_of, store.outcomes))
    return worst(statuses if store.measured else [*statuses, Status.NOTHING_MEASURED])
