"""Runs and boots prepared for tests, with a session that has a place to run workers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import nullcontext

import attrs

from pvbench.delivery import Clock, Description
from pvbench.plugin.registry import Registry
from pvbench.protocol import Describe, Report, Work
from pvbench.run.preparation import prepare, session_of
from pvbench.run.request import PreparedRun, Request
from pvbench.site import Host
from pvbench.worker_process import reports_of

EXACT = Clock("model", 10**12, "exact")
NEAR_EXACT = Clock("icount", 10**9, "near-exact")
NOISY = Clock("tsc", None, "noisy")
NO_TIMES = Clock("tsc", None, "none")


def prepared_run(request: Request, registry: Registry) -> PreparedRun:
    """A run of *request*; a session with this machine has nothing to close."""
    with session_of(request, registry) as session:
        return prepare(request, registry, session)


def with_clock(prepared: PreparedRun, clock: Clock) -> PreparedRun:
    """*prepared* with another clock."""
    (setting,) = prepared.settings
    description = attrs.evolve(setting.description, clock=clock)
    return attrs.evolve(prepared, settings=(attrs.evolve(setting, description=description),))


def on_hosts(prepared: PreparedRun, *hosts: Host) -> PreparedRun:
    """*prepared* on other hosts, which share its boots."""
    (setting,) = prepared.settings
    return attrs.evolve(prepared, settings=(attrs.evolve(setting, hosts=hosts),))


@attrs.frozen
class CommandSession:
    """A session whose workers are processes of one command."""

    command: tuple[str, ...]
    timeout_s: float
    hosts: tuple[Host, ...] = (Host("test-host", "test-host"),)

    def describe(self, host: Host, request: Describe) -> Description:
        return Description(clock=EXACT)

    def alone(self) -> nullcontext[None]:
        return nullcontext()

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        return reports_of(self.command, job, timeout_s=self.timeout_s)
