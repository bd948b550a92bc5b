"""The site `local`: workers are child processes of the run on this machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager

import attrs

from pvbench import notices
from pvbench.delivery import Description
from pvbench.describe import described
from pvbench.hookspecs import hookimpl
from pvbench.host import lock as host_lock
from pvbench.host.facts import usable_cpus
from pvbench.protocol import Describe, Job, Report, Work
from pvbench.shared_workers import SharedWorkers
from pvbench.site import Host, Session, Site, SiteOptions
from pvbench.started_worker import Workers
from pvbench.worker_process import reports_of

pvbench_api = 1

# -P: import the running pvbench, not one in the current directory
WORKER = (sys.executable, "-P", "-m", "pvbench.run.worker")
STAY = "--stay"


@attrs.frozen
class LocalSession:
    """A session with this machine; deliveries describe themselves in this process."""

    options: SiteOptions
    workers: Workers = attrs.field(factory=Workers)
    shared: SharedWorkers = attrs.field(factory=lambda: SharedWorkers((*WORKER, STAY)))

    @property
    def hosts(self) -> tuple[Host, ...]:
        return (Host("local", platform.node(), slots=len(usable_cpus())),)

    def describe(self, host: Host, request: Describe) -> Description:
        return described(request)

    def alone(self) -> AbstractContextManager[None]:
        return host_lock.alone(notices.say)

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        if isinstance(job, Job) and job.shares_worker:
            return self.shared.reports_of(job, timeout_s=self.options.timeout_s)
        return reports_of(
            WORKER,
            job,
            timeout_s=self.options.timeout_s,
            inherited=host_lock.held(),
            workers=self.workers,
        )


class Local:
    name = "local"
    summary = "this machine"

    def why_unavailable(self) -> str | None:
        return None

    @contextmanager
    def session(self, options: SiteOptions) -> Iterator[Session]:
        opened = LocalSession(options)
        try:
            yield opened
        finally:
            opened.workers.end()
            opened.shared.end()


@hookimpl
def pvbench_sites() -> list[Site]:
    return [Local()]
