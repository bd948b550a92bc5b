"""
Run the boots of a plan; each is stored when it ends, before another takes its place.

A run boots as soon as it can, several boots side by side where the clock allows it, and each
of several hosts for itself; a side of `pvbench ab` boots only when it is told to.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from functools import partial
from pathlib import Path

import attrs

from pvbench.errors import ProtocolError, Status, worst
from pvbench.run import progress, reach
from pvbench.run.ab_messages import Channel, Due, End, Greeting, Stored, Trace, Traced
from pvbench.run.boot import BootResult, run_boot
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from pvbench.run.queues import Order, Queue, queues_of
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
            order = _told(prepared, store, channel, store.resume())
            return _boots(prepared, store, [Queue.of(order, prepared.settings)], 1)
        with _alone(prepared):
            stored = store.resume()  # no file is written before
            if looks:
                queues = [Queue.of(_until(prepared, store, looks, stored), prepared.settings)]
                return _boots(prepared, store, queues, 1)
            return _boots(prepared, store, queues_of(prepared, stored), len(prepared.boots))


def _alone(prepared: PreparedRun) -> AbstractContextManager[None]:
    timed = prepared.plan.boots and prepared.clock.is_noisy
    return prepared.session.alone() if timed else nullcontext()


def _until(
    prepared: PreparedRun, store: RunStore, looks: Looks, stored: Container[int]
) -> Order:
    """The boots that are not stored, until a look says that there are enough."""
    ends = {boot.number_in_guest: number for number, boot in prepared.boots.items()}
    for number, boot in prepared.boots.items():
        if number not in stored:
            yield number, {}
        is_last = ends[boot.number_in_guest] == number
        if is_last and looks(store.path, boot.number_in_guest):
            return


def _told(
    prepared: PreparedRun, store: RunStore, channel: Channel, stored: Container[int]
) -> Order:
    """
    The boots that `pvbench ab` asks for; if `pvbench ab` ends, the run ends as by SIGTERM.
    """
    clock = prepared.clock
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
        reached: dict[tuple[int, str], dict[str, str]] = {}
        while asked := _asked(channel, prepared.boots):
            if isinstance(asked, Trace):
                same = prepared.boots[asked.trace].repeated
                reached[same] = reach.facts_of(prepared, asked.trace, asked.other)
                channel.tell(Traced(asked.trace))
                continue
            with _alone(prepared):
                same = prepared.boots[asked.boot].repeated
                yield asked.boot, {**asked.facts, **reached.get(same, {})}
            channel.tell(Stored(asked.boot))
    except BrokenPipeError:
        signal.raise_signal(signal.SIGTERM)


def _guests(prepared: PreparedRun) -> int:
    return sum(boot.number_in_guest == 1 for boot in prepared.plan.boots)


def _asked(channel: Channel, boots: Container[int]) -> Due | Trace | None:
    """The boot that `pvbench ab` asks for; None if no more boots are due."""
    match channel.hear():
        case End():
            return None
        case (Due(boot=number) | Trace(trace=number)) as asked if number in boots:
            return asked
        case None:
            raise BrokenPipeError
    raise ProtocolError("`pvbench ab` does not say which boot is due")


@attrs.frozen
class _Begun:
    """A boot that has begun on a host, and the facts that its results store besides."""

    number: int
    host: Host
    queue: Queue
    facts: Mapping[str, str] = attrs.field(eq=False)


def _boots(prepared: PreparedRun, store: RunStore, queues: Sequence[Queue], most: int) -> Ended:
    """Run the boots of all queues, at most *most* at once."""
    boots, stop = prepared.boots, Stop()
    display = progress.make(len(boots), quiet=prepared.request.quiet)
    most = min(most, sum(len(queue.free) for queue in queues))
    under_way = UnderWay[_Begun, BootResult](in_threads=most > 1)
    with stop.on_signals(), display, ExitStack() as stack:
        for queue in queues:
            stack.enter_context(closing(queue.order))
        while True:
            while len(under_way) < most and (begun := _next(prepared, queues, stop)):
                display.boot(begun.number, _name(prepared, boots[begun.number]))
                under_way.begin(begun, partial(_run, prepared, begun))
            ended = stop.unless_signalled(under_way.next_ended)
            if ended is None:
                break
            begun, result = ended
            begun.queue.free.append(begun.host)
            store.add(begun.number, boots[begun.number], result, begun.facts)
    status = _status(store)
    store.finish(status, stop.signal, settled=bool(prepared.request.max_boots))
    return Ended(path=store.path, measured=store.measured, status=status, signal=stop.signal)


def _next(prepared: PreparedRun, queues: Iterable[Queue], stop: Stop) -> _Begun | None:
    """The next boot for which a host is free; None if there is none or a signal came."""
    for queue in queues:
        if queue.free and (due := stop.unless_signalled(partial(next, queue.order, None))):
            number, facts = due
            host = queue.take(prepared.launch_of(prepared.boots[number]).hosts)
            return _Begun(number, host, queue, facts)
    return None


def _run(prepared: PreparedRun, begun: _Begun) -> BootResult:
    boot = prepared.boots[begun.number]
    return run_boot(boot, attrs.evolve(prepared.launch_of(boot), hosts=(begun.host,)))


def _name(prepared: PreparedRun, boot: Boot) -> str:
    """The guest of a boot, its hypervisor by hypercall ABI unless that is KVM, its setting."""
    abi, setting = boot.guest.hypercall_abi, prepared.settings[boot.setting].name
    words = (boot.guest.name, abi if abi != "kvm" else "", setting)
    return " ".join(filter(None, words))


def _status_of(outcome: Outcome) -> Status:
    return Status.INCONCLUSIVE if outcome.of_host else _STATUS_OF[outcome.kind]


def _status(store: RunStore) -> Status:
    statuses = list(map(_status_of, store.outcomes))
    return worst(statuses if store.measured else [*statuses, Status.NOTHING_MEASURED])
