"""The manager's side of boots on a cluster."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Final

import attrs
from distributed import Future, KilledWorker, Queue

from pvbench import notices
from pvbench.errors import ProtocolError, WorkerError
from pvbench.protocol import Ask, ErrorReport, Job, Message, Report, Work, decode, encode
from pvbench.site import Host
from pvbench.text import text_of
from pvbench.worker_process import answer_to, due
from pvbench_site_dask import remote
from pvbench_site_dask.cluster import Cluster
from pvbench_site_dask.machines import RESOURCE, Identity

Event = dict[str, Any]
_TRIES: Final = 2
_LOOK_S: Final = 1.0  # between two looks whether the workers of a boot are still there
_REJOIN_S: Final = 30.0  # for a machine whose workers were all lost
_DONE: Final[Event] = {"done": True}


@attrs.frozen(eq=False)
class Boots:
    """The boots of a session that are under way, each with the events about it."""

    _cluster: Cluster
    _timeout_s: float
    _lost_hosts: set[str] = attrs.field(factory=set)
    _events: dict[str, SimpleQueue[Event]] = attrs.field(factory=dict)
    _futures: dict[str, Future] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._cluster.client.subscribe_topic(remote.TOPIC, self._dispatch)

    def _dispatch(self, event: tuple[float, Any]) -> None:
        """Hand an event to the thread that waits for its boot; others are of other managers."""
        _, message = event
        if isinstance(message, dict) and (events := self._events.get(message.get("boot", ""))):
            events.put(message)

    def end(self) -> None:
        """Cancel the boots that are under way; their workers end them."""
        self._cluster.client.cancel(list(self._futures.values()))

    def reports(self, host: Host | None, work: Work) -> Generator[Report, None, None]:
        """
        The reports on *work*, which runs on *host*, or on any machine if that is None.

        Raises:
            WorkerError: its worker was lost twice, or there is none.
            ProtocolError: its reports cannot be read.
        """
        message: Message | None = None
        lines = self._lines(host, work).splitlines()
        for number, line in enumerate(lines):
            message = decode(line)
            if message is None:
                raise ProtocolError("it sends a line that is no message")
            yield due(work, message, number)
        if len(lines) < work.replies and not isinstance(message, ErrorReport):
            raise ProtocolError(f"it has {len(lines)} of {work.replies} reports")

    def _lines(self, host: Host | None, work: Work) -> str:
        """The lines of the reports; a boot whose worker was lost is tried again."""
        begun: list[str] = []
        while len(begun) < _TRIES:
            workers = self._workers(host)
            with self._submitted(workers, work, timed=host is not None) as (future, events):
                for event in self._until_done(events, workers):
                    if event is _DONE:
                        return _result(future, begun)
                    self._react(event, work, begun)
        raise _lost(begun)

    def _workers(self, host: Host | None) -> list[Identity]:
        """
        The workers that may run the boot; a machine that has lost all may get new ones.

        Only the first boot of such a machine waits for them.
        """
        name = host.id if host else ""
        end_s = time.monotonic() + (0 if name in self._lost_hosts else _REJOIN_S)
        while True:
            everywhere = self._cluster.workers()
            workers = [w for w in everywhere if host is None or w.host == host.id]
            if workers:
                self._lost_hosts.discard(name)
                return [w for w in workers if w.timed and host] or workers
            if time.monotonic() >= end_s:
                self._lost_hosts.add(name)
                raise WorkerError(f"no worker is left on {host.name if host else 'a machine'}")
            time.sleep(_LOOK_S)

    @contextmanager
    def _submitted(
        self, workers: list[Identity], work: Work, *, timed: bool
    ) -> Iterator[tuple[Future, SimpleQueue[Event]]]:
        """A boot that is submitted to *workers*, and its events; afterwards it is cancelled."""
        key, events = f"pvbench-{uuid.uuid4().hex}", SimpleQueue[Event]()
        self._events[key] = events
        future = self._futures[key] = self._cluster.client.submit(
            remote.boot,
            key,
            encode(work).encode(),
            self._timeout_s,
            timed=timed,
            key=key,
            pure=False,
            workers=[worker.address for worker in workers],
            resources={RESOURCE: 1} if timed and workers[0].timed else None,
        )
        future.add_done_callback(lambda _: events.put(_DONE))
        try:
            yield future, events
        finally:
            del self._events[key], self._futures[key]
            if not future.done():
                future.cancel()

    def _until_done(
        self, events: SimpleQueue[Event], workers: list[Identity]
    ) -> Iterator[Event]:
        """The events of a boot, until all *workers* are lost."""
        while True:
            try:
                yield events.get(timeout=_LOOK_S)
            except Empty:
                present = self._cluster.present()
                if not any(worker.address in present for worker in workers):
                    return

    def _react(self, event: Event, work: Work, begun: list[str]) -> None:
        """Note that a worker has begun, print what it says, or answer its question."""
        if address := event.get("begun"):
            begun.append(str(address))
            if len(begun) > _TRIES:  # the scheduler tries more often
                raise _lost(begun[:_TRIES])
        elif line := event.get("line"):
            notices.say(str(line))
        elif ask := event.get("ask"):
            message = decode(str(ask))
            if not isinstance(message, Ask) or not isinstance(work, Job):
                raise ProtocolError("it asks for something else than ops")
            answers = Queue(str(event.get("queue")), client=self._cluster.client)
            answers.put(encode(answer_to(work, message)))


def _result(future: Future, begun: list[str]) -> str:
    try:
        result: bytes = future.result()
        return result.decode()
    except KilledWorker:
        raise _lost(begun) from None
    except Exception as error:  # of the cluster, or of a worker with other modules
        raise WorkerError("the cluster fails", why=text_of(error)) from None


def _lost(begun: list[str]) -> WorkerError:
    return WorkerError("each worker that ran the boot was lost", why=", ".join(begun))
