"""A request to run a suite, expanded and checked."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.delivery import Clock, Delivery, Description, Options
from pvbench.errors import UsageError, not_readable
from pvbench.host import tags
from pvbench.host.files import read_regular
from pvbench.plugin.registry import Registry
from pvbench.protocol import Describe, encode
from pvbench.results import journal, schema, storable
from pvbench.results.fact import Metadata
from pvbench.results.schema import case_name
from pvbench.run.boot import Launch, job_of
from pvbench.run.cases import Selection, expand
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot, Effort, Plan, effort, make_plan
from pvbench.site import Session, SiteOptions, opened
from pvbench.suite import Case, Suite

_LONGEST_S: Final = 1e9  # the longest time that a timer can wait

_PAIRS: Final = 10  # pairs of boots that `pvbench ab` takes at least, unless told otherwise

_LARGEST_COSTS: Final = 1 << 16  # bytes of a file; a bundled cost profile has less than 7 kB


@attrs.frozen(kw_only=True)
class Request:
    """
    The options of a run.

    Args:
        is_side: whether it is a side of `pvbench ab`.
        max_boots: where a run that goes on until it is settled ends; None for `boots`.
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


@attrs.frozen(kw_only=True)
class PreparedRun:
    """
    A request that can be run.

    Args:
        description: the delivery's, on the host where boots happen.
        facts: the facts that all results share; they identify the run, so a resumed
            run must have equal ones.
        origins: distribution and version of each sender.
    """

    request: Request
    plan: Plan
    launch: Launch
    description: Description
    facts: Metadata
    origins: dict[str, str]

    @property
    def boots(self) -> dict[int, Boot]:
        """The boots by number, from 1, in the order they run."""
        return dict(enumerate(self.plan.boots, 1))

    @property
    def metadata(self) -> Metadata:
        """The facts that every result stores: `facts` and the notes of the delivery."""
        return self.facts | schema.stored(schema.note_facts(self.description.notes))


@contextmanager
def session_of(request: Request, registry: Registry) -> Iterator[Session]:
    """
    A session with the site of *request*.

    Raises:
        UsageError: no plugin offers that site.
        UnavailableError: this machine cannot reach it.
    """
    site = registry.site(request.selection.site)
    options = SiteOptions(timeout_s=request.timeout_s, probe=request.probe)
    with opened(site, options) as session:
        yield session


def prepare(request: Request, registry: Registry, session: Session) -> PreparedRun:
    """
    Expand and check a request, without writing to disk.

    The delivery describes itself at the site.

    Raises:
        UsageError: the request names something that no plugin offers.
        UnavailableError: the delivery cannot be used at the site.
        ProtocolError: it describes itself by facts that no result file can hold.
    """
    if request.label is not None:
        tags.one_line(request.label, "--label")
    selection = request.selection
    name = selection.delivery or request.suite.delivery
    delivery: Delivery = registry.get("delivery", name)
    if request.boots is not None and not 1 <= request.boots <= 10_000:
        raise UsageError(f"--boots {request.boots} is not in 1..10000")
    check_timeout(request.timeout_s)
    module = registry.module_of[f"delivery {delivery.name}"]
    description = session.describe(session.hosts[0], _question(request, delivery, module))
    costs = description.costs.name if description.costs else None
    selection = attrs.evolve(selection, costs=costs)
    planned = _effort(request, description.clock)
    cases, blocked = expand(request.suite, selection, registry, description.host_ids)
    plan = make_plan(cases, delivery, description, planned, request.seed)
    missing = {name: Outcome("blocked", reason) for name, reason in blocked.items()}
    launch = Launch(
        session=session,
        delivery=delivery.name,
        delivery_module=module,
        clock=description.clock,
        worker_data=description.worker_data,
        effort=planned,
        timeout_s=request.timeout_s,
        hosts=session.hosts[:1] if description.clock.is_noisy else session.hosts,
    )
    facts = _facts(registry, delivery, description) | _looks(request, description.clock)
    notes = schema.stored(schema.note_facts(description.notes))
    storable.check(facts | notes, f"the description of delivery {name}")
    return PreparedRun(
        request=request,
        plan=attrs.evolve(plan, refused=missing | plan.refused),
        launch=launch,
        description=description,
        facts=facts,
        origins={name: registry.origin("sender", name) for name in _senders(cases)},
    )


def check_timeout(timeout_s: float) -> None:
    """Refuse a --timeout that no timer can wait, with a UsageError."""
    if not 0 < timeout_s <= _LONGEST_S:
        raise UsageError(f"--timeout {timeout_s:g} is not above 0 and at most 1e9 seconds")


def _effort(request: Request, clock: Clock) -> Effort:
    """The effort; a side of `pvbench ab` has no fewer boots than verdicts need."""
    if request.max_boots and clock.is_noisy:
        return effort(clock, request.pace, request.max_boots)
    planned = effort(clock, request.pace, request.boots)
    if not clock.is_noisy or not request.is_side or request.boots:
        return planned
    return attrs.evolve(planned, boots=max(planned.boots, _PAIRS))


def _question(request: Request, delivery: Delivery, module: str) -> Describe:
    selection = request.selection
    options = Options(
        costs=selection.costs,
        costs_file=_costs_file(selection.costs),
        cpus=selection.cpus,
        execution=selection.execution,
        probe=request.probe,
        progress=not request.quiet and sys.stderr.isatty(),
    )
    return Describe(delivery=delivery.name, delivery_module=module, options=options)


def _costs_file(costs: str | None) -> bytes | None:
    """The content of the file that --costs names; None for a bundled cost profile."""
    if costs is None or not costs.endswith(".toml"):
        return None
    try:
        return read_regular(Path(costs), _LARGEST_COSTS)
    except OSError as error:
        raise not_readable(f"cost profile {costs}", error) from None


def _senders(cases: list[Case]) -> dict[str, None]:
    return dict.fromkeys(case.stack.sender.name for case in cases)


def _facts(registry: Registry, delivery: Delivery, description: Description) -> Metadata:
    """The facts that all results share, without the host's for an exact clock."""
    measured = {} if description.clock.is_exact else description.host
    facts = {
        "version": version("pvbench"),
        "clock": description.clock.name,
        "exactness": description.clock.exactness,
        "delivery_plugin": registry.origin("delivery", delivery.name),
        "costs_sha256": description.costs.sha256 if description.costs else "-",
    }
    return schema.stored(facts | schema.host_facts(measured)) | tags.tags()


def _looks(request: Request, clock: Clock) -> Metadata:
    """The fact that fixes the looks at a run that goes on until it is settled."""
    most = request.max_boots if clock.is_noisy else None
    return schema.stored({"max_boots": most}) if most else {}


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
    launch = attrs.evolve(prepared.launch, worker_data=b"")
    digest = hashlib.sha256(f"{selection.cpus} {selection.execution}".encode())
    for boot in prepared.plan.boots:
        if boot.number_in_guest == 1:
            digest.update(encode(job_of(boot, launch)).encode())
    return digest.hexdigest()
