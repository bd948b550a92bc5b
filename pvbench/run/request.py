"""What a user wants run, expanded and checked."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any, Final

import attrs

from pvbench.delivery import EXACT_CLOCKS, Delivery, Options
from pvbench.errors import UnavailableError, UsageError
from pvbench.host import facts as host_facts
from pvbench.host import tags
from pvbench.plugin.registry import Registry
from pvbench.protocol import encode
from pvbench.results import journal, schema
from pvbench.results.fact import Metadata
from pvbench.results.schema import case_name
from pvbench.run.boot import Launch, job_of
from pvbench.run.cases import Selection, expand
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot, Plan, effort, make_plan
from pvbench.suite import Case, Suite

_LONGEST_S: Final = 1e9  # what a timer can wait for
_KNOWN_OF_HOST: Final = ("facts", "probes")  # among settings; guests execute none of it


@attrs.frozen(kw_only=True)
class Request:
    """What a user wants run."""

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


@attrs.frozen(kw_only=True)
class PreparedRun:
    """
    A request that can be run.

    Args:
        facts: what the results of every case share.
        origins: distribution and version of each sender.
    """

    request: Request
    plan: Plan
    launch: Launch
    facts: Metadata
    origins: dict[str, str]

    @property
    def boots(self) -> dict[int, Boot]:
        """The boots by number, from 1, in the order they run."""
        return dict(enumerate(self.plan.boots, 1))


def prepare(request: Request, registry: Registry) -> PreparedRun:
    """
    Expand and check everything a run needs, without touching the disk.

    Raises:
        UsageError: the request names something nobody offers.
        UnavailableError: this machine cannot serve it.
    """
    if request.label is not None:
        tags.one_line(request.label, "--label")
    selection = request.selection
    wanted_delivery = selection.delivery or request.suite.delivery
    delivery: Delivery = registry.get("delivery", wanted_delivery)
    site = registry.get("site", selection.site)
    for thing in (delivery, site):
        if reason := thing.why_unavailable():
            raise UnavailableError(f"{thing.name} cannot be used here", why=reason)
    if request.boots is not None and not 1 <= request.boots <= 10_000:
        raise UsageError(f"--boots {request.boots} is not in 1..10000")
    if not 0 < request.timeout_s <= _LONGEST_S:
        raise UsageError(
            f"--timeout {request.timeout_s:g} is not above 0 and at most 1e9 seconds"
        )
    options = Options(costs=selection.costs, cpus=selection.cpus, execution=selection.execution)
    settings = delivery.settings(options)
    selection = attrs.evolve(selection, costs=settings.get("cost_profile"))
    wanted = effort(delivery.clock, request.pace, request.boots)
    cases, blocked = expand(request.suite, selection, registry)
    plan = make_plan(cases, delivery, settings, wanted, request.seed)
    missing = {name: Outcome("blocked", reason) for name, reason in blocked.items()}
    launch = Launch(
        site=site,
        delivery=delivery.name,
        delivery_module=registry.module_of[f"delivery {delivery.name}"],
        clock=delivery.clock,
        settings=settings,
        effort=wanted,
        timeout_s=request.timeout_s,
    )
    return PreparedRun(
        request=request,
        plan=attrs.evolve(plan, refused=missing | plan.refused),
        launch=launch,
        facts=_facts(registry, delivery, settings),
        origins={name: registry.origin("sender", name) for name in _senders(cases)},
    )


def _senders(cases: list[Case]) -> dict[str, None]:
    return dict.fromkeys(case.stack.sender.name for case in cases)


def _facts(registry: Registry, delivery: Delivery, settings: dict[str, Any]) -> Metadata:
    """What the results of every case share; nothing of the host for an exact clock."""
    measured = {} if delivery.clock in EXACT_CLOCKS else host_facts.facts()
    facts = {
        "version": version("pvbench"),
        "clock": delivery.clock,
        "delivery_plugin": registry.origin("delivery", delivery.name),
        "costs_sha256": settings.get("cost_profile_sha256", "-"),
    }
    return schema.stored(facts | schema.host_facts(measured)) | tags.tags()


def plan_entry(prepared: PreparedRun) -> dict[str, Any]:
    """What the journal says of the plan; equal entries are the same plan."""
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
    """Everything the workers are told, ops included; not what is only known of the host."""
    known = prepared.launch.settings
    settings = {name: value for name, value in known.items() if name not in _KNOWN_OF_HOST}
    launch = attrs.evolve(prepared.launch, settings=settings)
    digest = hashlib.sha256()
    for boot in prepared.plan.boots:
        if boot.replicate == 1:
            digest.update(encode(job_of(boot, launch)).encode())
    return digest.hexdigest()
