"""The check that a site names its hosts, and describes a delivery and boots guests there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

from pvbench.delivery import Delivery, Description, Options
from pvbench.errors import UnavailableError, UsageError
from pvbench.plugin.kinds import is_family, kind_of, missing_members
from pvbench.protocol import Describe, ErrorReport, Job, SliceReport, Turn
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.proof import differences
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Stack
from pvbench.site import Host, Session, Site, SiteFamily, SiteOptions
from pvbench.slice_result import SliceResult
from pvbench.testing.cases import attempt, bundled, case_of, check_offer, fail
from pvbench.testing.scenes import iterations, small_guests

_LIMIT_S: Final = 600.0


def check_site(offer: Site | SiteFamily, *addresses: str, delivery: str = "model") -> None:
    """
    Check a site, or the sites of a family at *addresses*.

    Args:
        offer: a thing that a plugin offers by `pvbench_sites`.
        addresses: of the sites to check, if it is a family.
        delivery: the bundled delivery that is described and booted there.

    Raises:
        AssertionError: a check fails.
        UnavailableError: this machine cannot reach the site.
    """
    check_offer("site", offer)
    reason = attempt(offer.name, "why_unavailable()", offer.why_unavailable)
    if reason == "" or not isinstance(reason, str | None):
        fail(offer.name, f"why_unavailable() returns {reason!r}, neither None nor a reason")
    for site in _sites(offer, addresses):
        if why := site.why_unavailable():
            raise UnavailableError(f"{site.name} cannot be checked here", why=why)
        _check_session(site, delivery)


def _sites(offer: Any, addresses: tuple[str, ...]) -> Iterator[Site]:
    if not is_family(offer):
        yield offer
    for address in addresses:
        site = attempt(offer.name, "at()", offer.at, address)
        if missing := missing_members(kind_of("site").type, site):
            fail(offer.name, f"at() gives no site: it lacks {', '.join(missing)}")
        yield site


def _check_session(site: Site, delivery: str) -> None:
    with site.session(SiteOptions(timeout_s=_LIMIT_S)) as session:
        hosts = attempt(site.name, "hosts", lambda: session.hosts)
        if not hosts or len({host.id for host in hosts}) < len(hosts):
            fail(site.name, "its hosts must be at least one, with an ID of their own each")
        for host in hosts:
            if host.slots < 1:
                fail(site.name, f"host {host.id} has no slot for a boot")
            _check_host(f"{site.name}, host {host.id}", session, host, delivery)


def _check_host(place: str, session: Session, host: Host, delivery: str) -> None:
    """Check that two boots of one job on *host* prove what they did."""
    module = bundled().module_of[f"delivery {delivery}"]
    request = Describe(delivery=delivery, delivery_module=module, options=Options())
    description = attempt(place, "describe()", session.describe, host, request)
    prepared = _case(bundled().table("delivery")[delivery], description)
    job = Job(
        delivery=delivery,
        delivery_module=module,
        worker_data=description.worker_data,
        guest=prepared.case.guest,
        tasks=(prepared.task,),
        schedule=(Turn(0, 2, 1), Turn(0, 2, 1)),
        slice_s=None,
        deadline_s=_LIMIT_S,
    )
    for _ in range(2):
        results = attempt(place, "boot()", _results, session, host, job)
        if len(results) != len(job.schedule):
            fail(place, f"boot() reports {len(results)} of {len(job.schedule)} slices")
        for result in results:
            if sentences := differences(prepared, result):
                fail(place, "; ".join(sentences))


def _case(delivery: Delivery, description: Description) -> Prepared:
    """A burst of the first bundled driver that the delivery supports there."""
    guest = next(small_guests())
    bursts = next(iterations(guest))
    for driver in bundled().drivers.values():
        case = case_of(Stack(driver), guest, *bursts, delivery=delivery.name)
        if why_unsupported(case):
            continue
        prepared = prepare(case)
        if not delivery.why_unsupported(case.guest, prepared.task, description):
            return prepared
    raise UnavailableError(f"delivery {delivery.name} supports no bundled driver there")


def _results(session: Session, host: Host, job: Job) -> list[SliceResult]:
    results: list[SliceResult] = []
    with closing(session.boot(host, job)) as reports:
        for report in reports:
            if isinstance(report, ErrorReport):
                raise UsageError(report.error)
            if isinstance(report, SliceReport):
                results.append(report.result)
    return results
