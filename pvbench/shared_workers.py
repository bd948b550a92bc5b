"""Workers that do one job after another, which saves the time of starting them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Final

import attrs

from pvbench.protocol import Job, Report
from pvbench.started_worker import StartedWorker, Workers
from pvbench.worker_process import reports_from

_START_S: Final = 0.5  # a job waits so long for a worker before another one is started


@attrs.define(eq=False)
class SharedWorkers:
    """
    The workers that the jobs of a session share; each does one job at a time.

    Another worker is started only if the jobs of the others take longer than a start.
    A worker ends with the thread that started it, so one thread starts all of them.

    Args:
        command: argument vector of a worker that stays.
    """

    _command: Sequence[str]
    _under_way: Workers = attrs.field(factory=Workers, init=False)
    _idle: SimpleQueue[StartedWorker] = attrs.field(factory=SimpleQueue, init=False)
    _starter: ThreadPoolExecutor = attrs.field(
        factory=lambda: ThreadPoolExecutor(max_workers=1), init=False
    )
    _is_first: bool = attrs.field(default=True, init=False)
    _has_ended: bool = attrs.field(default=False, init=False)

    def reports_of(self, job: Job, *, timeout_s: float) -> Generator[Report, None, None]:
        """Let a worker do *job*, and yield its reports as `worker_process.reports_of` does."""
        worker = self._idle_worker() or self._started()
        stays = yield from reports_from(
            worker, job, timeout_s=timeout_s, workers=self._under_way
        )
        if stays and not self._has_ended:
            self._idle.put(worker)
        else:
            worker.end()

    def end(self) -> None:
        """Kill all workers; jobs that come later have workers of their own."""
        self._has_ended = True
        self._under_way.end()
        while worker := self._idle_worker():
            worker.end()
        self._starter.shutdown()

    def _idle_worker(self) -> StartedWorker | None:
        """A worker that is idle, perhaps in a while; None if one should be started."""
        waits_s = 0 if self._is_first or self._has_ended else _START_S
        self._is_first = False
        try:
            while (worker := self._idle.get(timeout=waits_s)).process.poll() is not None:
                worker.end()
        except Empty:
            return None
        return worker

    def _started(self) -> StartedWorker:
        if self._has_ended:
            return self._start()
        return self._starter.submit(self._start).result()

    def _start(self) -> StartedWorker:
        return StartedWorker.started(self._command, (), lambda line: None)
