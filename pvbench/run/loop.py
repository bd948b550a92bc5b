"""
Run the boots of a plan; each is stored when it ends, before another takes its place.

A run boots as soon as it can, several boots side by side where the clock allows it; a side
of `pvbench ab` boots only when it is told to.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Container, Generator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from pathlib import Path

import attrs

from pvbench.errors import ProtocolError, Status, worst
from pvbench.run import progress
from pvbench.run.ab_messages import Channel, Due, End, Greeting, Stored
from pvbench.run.boot import BootResult, run_boot
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from pvbench.run.request import PreparedRun
from pvbench.run.signals import Stop
from pvbench.run.store import RunStore
from pvbench.run.under_way import UnderWay
from pvbench.site import Host

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
# next one is asked for when there is a free host for it.
Order = Generator[tuple[int, Mapping[str, str]], None, None]


def run(
    prepared: PreparedRun, *, channel: Channel | None = None, looks: Looks | None = None
) -> Ended:
    """
    Run all boots; each is on disk before another boot takes its place.

    A run with a noisy clock takes the lock for timed runs of the machine, a side of
    `pvbench ab` only while it boots.  Boots run one at a time if *channel* or *looks* says
    which is the next.

    Args:
        prepared: what to run.
        channel: to the `pvbench ab` that says which boot is due.
        looks: says by the results whether the run may end after some boots of each guest.

    Raises:
        UsageError, UnavailableError: the result file cannot be created.
    """
    with RunStore.opened(prepared) as store:
        if channel:
            return _boots(prepared, store, partial(_told, prepared, store, channel), 1)
        with _alone(prepared):
            slots = 1 if looks else len(prepared.boots)
            return _boots(prepared, store, partial(_until, prepared, store, looks), slots)


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


@attrs.frozen
class _Begun:
    """A boot that has begun on a host, and the facts that its results store besides."""

    number: int
    host: Host
    facts: Mapping[str, str] = attrs.field(eq=False)


def _boots(
    prepared: PreparedRun,
    store: RunStore,
    order_of: Callable[[Container[int]], Order],
    most: int,
) -> Ended:
    """Run boots in an order, at most *most* at once."""
    order = order_of(store.resume())
    free = deque(prepared.launch.slots[:most])
    stop = Stop()
    display = progress.make(len(prepared.boots), quiet=prepared.request.quiet)
    under_way = UnderWay[_Begun, BootResult](in_threads=len(free) > 1)
    with stop.on_signals(), display, closing(order):
        while True:
            while free and (due := stop.unless_signalled(partial(next, order, None))):
                begun = _Begun(due[0], free.popleft(), due[1])
                display.boot(begun.number, _name(prepared.boots[begun.number]))
                under_way.begin(begun, partial(_run, prepared, begun))
            ended = stop.unless_signalled(under_way.next_ended)
            if ended is None:
                break
            begun, result = ended
            free.append(begun.host)
            store.add(begun.number, prepared.boots[begun.number], result, begun.facts)
    status = _status(store)
    store.finish(status, stop.signal, settled=bool(prepared.request.max_boots))
    return Ended(path=store.path, measured=store.measured, status=status, signal=stop.signal)


def _run(prepared: PreparedRun, begun: _Begun) -> BootResult:
    launch = attrs.evolve(prepared.launch, hosts=(begun.host,))
    return run_boot(prepared.boots[begun.number], launch)


def _name(boot: Boot) -> str:
    """The guest of a boot, and its hypervisor by hypercall ABI unless that is KVM."""
    abi = boot.guest.hypercall_abi
    return boot.guest.name if abi == "kvm" else f"{boot.guest.name} {abi}"


def _status_of(outcome: Outcome) -> Status:
    return Status.INCONCLUSIVE if outcome.of_host else _STATUS_OF[outcome.kind]


def _status(store: RunStore) -> Status:
    statuses = list(map(_status_of, store.outcomes))
    return worst(statuses if store.measured else [*statuses, Status.NOTHING_MEASURED])
