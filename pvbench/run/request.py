"""A request to run a suite, and a run that is prepared."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import attrs

from pvbench.delivery import Clock
from pvbench.errors import UsageError
from pvbench.protocol import encode
from pvbench.results import journal
from pvbench.results.fact import Metadata
from pvbench.results.schema import case_name
from pvbench.run.boot import Launch, job_of
from pvbench.run.cases import Selection
from pvbench.run.plan import Boot, Plan
from pvbench.run.settings import Setting
from pvbench.run.sweep import Sweep
from pvbench.site import Session
from pvbench.suite import Suite

_LONGEST_S: Final = 1e9  # the longest time that a timer can wait


@attrs.frozen(kw_only=True)
class Request:
    """
    The options of a run.

    Args:
        is_side: whether it is a side of `pvbench ab`.
        max_boots: where a run that goes on until it is settled ends; None for `boots`.
        command: the words that a user typed, for the journal.
    """

    suite: Suite
    selection: Selection
    pace: str = "default"
    boots: int | None = None
    seed: int = 0
    output: str | None = None
    label: str | None = None
    quiet: bool = False
    resume: bool = False
    timeout_s: float = 600
    probe: bool = True
    is_side: bool = False
    max_boots: int | None = None
    sweeps: tuple[Sweep, ...] = ()
    command: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class PreparedRun:
    """
    A request that can be run.

    Args:
        delivery, delivery_module: its name, and where a worker finds it.
        settings: those that the boots of the plan name by number.
        origins: distribution and version of each sender.
    """

    request: Request
    plan: Plan
    session: Session
    delivery: str
    delivery_module: str
    settings: tuple[Setting, ...]
    origins: dict[str, str]

    @property
    def clock(self) -> Clock:
        """The clock; the settings differ in its rate at most."""
        return self.settings[0].description.clock

    @property
    def boots(self) -> dict[int, Boot]:
        """The boots by number, from 1, in the order they run."""
        return dict(enumerate(self.plan.boots, 1))

    @property
    def facts(self) -> Metadata:
        """
        The facts of all settings, which identify the run.

        A resumed run must have equal ones.  Where settings differ in a fact, its name is
        followed by that of the setting.
        """
        first = self.settings[0].facts
        shared = dict(set.intersection(*(set(s.facts.items()) for s in self.settings)))
        own = {
            f"{name} ({setting.name})": value
            for setting in self.settings
            for name, value in setting.facts.items()
            if name not in shared
        }
        return {name: value for name, value in first.items() if name in shared} | own

    def launch_of(self, boot: Boot) -> Launch:
        """What *boot* is started with."""
        setting = self.settings[boot.setting]
        return Launch(
            session=self.session,
            delivery=self.delivery,
            delivery_module=self.delivery_module,
            clock=setting.description.clock,
            worker_data=setting.description.worker_data,
            effort=self.plan.effort,
            timeout_s=self.request.timeout_s,
            hosts=setting.hosts,
        )


def check_timeout(timeout_s: float) -> None:
    """Refuse a --timeout that no timer can wait, with a UsageError."""
    if not 0 < timeout_s <= _LONGEST_S:
        raise UsageError(f"--timeout {timeout_s:g} is not above 0 and at most 1e9 seconds")


def plan_entry(prepared: PreparedRun) -> dict[str, Any]:
    """The journal's entry for the plan; equal entries are the same plan."""
    plan, request = prepared.plan, prepared.request
    return {
        "format": journal.FORMAT,
        "suite": request.suite.name,
        "suite_version": request.suite.version,
        "label": request.label,
        "seed": plan.seed,
        "boots": len(plan.boots),
        "effort": attrs.asdict(plan.effort),
        "cases": [case_name(case) for case in plan.cases],
        "facts": prepared.facts,
        "senders": prepared.origins,
        "jobs_sha256": _jobs_sha256(prepared),
    }


def _jobs_sha256(prepared: PreparedRun) -> str:
    """A hash of what guests execute: the jobs and the options, not `worker_data`."""
    selection = prepared.request.selection
    digest = hashlib.sha256(f"{selection.cpus} {selection.execution}".encode())
    for boot in prepared.plan.boots:
        if boot.number_in_guest == 1:
            launch = attrs.evolve(prepared.launch_of(boot), worker_data=b"")
            digest.update(encode(job_of(boot, launch)).encode())
    return digest.hexdigest()
