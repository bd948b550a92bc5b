"""The preparation of a run: a request is expanded and checked, and the site is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import attrs

from pvbench.delivery import Clock, Delivery, Description, Options
from pvbench.errors import UsageError, not_readable
from pvbench.host import tags
from pvbench.host.files import read_regular
from pvbench.plugin.registry import Registry
from pvbench.protocol import Describe
from pvbench.results import schema, storable
from pvbench.results.fact import Metadata
from pvbench.run.cases import check_number, expand
from pvbench.run.effort import Effort, effort
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Part, make_plan
from pvbench.run.progress import Heartbeat
from pvbench.run.request import PreparedRun, Request, check_timeout
from pvbench.run.settings import Setting, described
from pvbench.run.sweep import points
from pvbench.site import Session, SiteOptions, opened
from pvbench.suite import Case, Suite

_PAIRS: Final = 10  # pairs of boots that `pvbench ab` takes at least, unless told otherwise
_LARGEST_COSTS: Final = 1 << 16  # bytes of a file; a bundled cost profile has less than 7 kB


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
    question = _question(request, delivery, module)
    settings = described(session, selection.hosts, question, points(request.sweeps))
    settings = tuple(_with_facts(request, registry, delivery, one) for one in settings)
    expanded = list(_expanded(request, registry, settings))
    parts = [
        Part(setting.description, cases)
        for setting, (cases, _) in zip(settings, expanded, strict=True)
    ]
    beat = Heartbeat("cases are planned", quiet=request.quiet).at
    plan = make_plan(
        parts, delivery, _effort(request, settings[0].description), request.seed, beat
    )
    blocked = {name: reason for _, one in expanded for name, reason in one.items()}
    missing = {name: Outcome("blocked", reason) for name, reason in blocked.items()}
    return PreparedRun(
        request=request,
        plan=attrs.evolve(plan, refused=missing | plan.refused),
        session=session,
        delivery=delivery.name,
        delivery_module=module,
        settings=settings,
        origins={name: registry.origin("sender", name) for name in _senders(plan.cases)},
    )


def _expanded(
    request: Request, registry: Registry, settings: Iterable[Setting]
) -> Iterator[tuple[list[Case], dict[str, str]]]:
    """The cases of each setting, and the names that no plugin offers."""
    total = 0
    for setting in settings:
        description = setting.description
        costs = description.costs.name if description.costs else None
        selection = attrs.evolve(
            request.selection,
            costs=costs,
            host=setting.host,
            sweep=setting.sweep,
            cpu_vendor=description.cpu_vendor,
        )
        cases, blocked = expand(request.suite, selection, registry, description.host_ids)
        total += len(cases)
        check_number(request.suite, total)
        yield cases, blocked


def _with_facts(
    request: Request, registry: Registry, delivery: Delivery, setting: Setting
) -> Setting:
    """*setting* with the facts that its results share."""
    description = setting.description
    facts = _facts(registry, delivery, description) | _looks(request, description.clock)
    complete = attrs.evolve(setting, facts=facts)
    storable.check(complete.metadata, f"the description of delivery {delivery.name}")
    return complete


def _effort(request: Request, description: Description) -> Effort:
    """The effort; a side of `pvbench ab` has no fewer boots than verdicts need."""
    is_noisy = description.clock.is_noisy
    if request.max_boots and is_noisy:
        return effort(description, request.pace, request.max_boots)
    planned = effort(description, request.pace, request.boots)
    if not is_noisy or not request.is_side or request.boots:
        return planned
    return attrs.evolve(planned, boots=max(planned.boots, _PAIRS))


def _question(request: Request, delivery: Delivery, module: str) -> Describe:
    selection = request.selection
    costs = selection.costs or _costs_of(request.suite, delivery)
    options = Options(
        costs=costs,
        costs_file=costs_file(costs),
        cpus=selection.cpus,
        execution=selection.execution,
        probe=request.probe,
        progress=not request.quiet and sys.stderr.isatty(),
    )
    return Describe(delivery=delivery.name, delivery_module=module, options=options)


def _costs_of(suite: Suite, delivery: Delivery) -> str | None:
    """The cost profile that *suite* is about, if *delivery* offers it."""
    return suite.costs if suite.costs in delivery.cost_profiles() else None


def costs_file(costs: str | None) -> bytes | None:
    """The content of the file that --costs names; None for a bundled cost profile."""
    if costs is None or not costs.endswith(".toml"):
        return None
    try:
        return read_regular(Path(costs), _LARGEST_COSTS)
    except OSError as error:
        raise not_readable(f"cost profile {costs}", error) from None


def _senders(cases: Iterable[Case]) -> dict[str, None]:
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
