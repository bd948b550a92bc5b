"""
The settings of a run: hosts and costs, with the delivery as it is described there.

A noisy clock measures each host for itself, so each host that is used is a setting of its
own and runs the whole plan.  Any other clock has one setting with all hosts of the site.
A sweep has a setting for each of its cost profiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from pvbench.delivery import Description
from pvbench.errors import PvbenchError, SiteError, Status, UsageError, unknown
from pvbench.protocol import Describe
from pvbench.results import schema
from pvbench.results.fact import Metadata
from pvbench.run.sweep import Point
from pvbench.site import Host, Session
from pvbench.text import shortened_list

_ALL = "all"


@attrs.frozen(kw_only=True)
class Setting:
    """
    What boots share: hosts, and the delivery there.

    Args:
        description: the delivery's, on these hosts.
        host: the ID of the host, if the results of each host are kept apart; else None.
        sweep: the costs that a sweep sets, as `Point` writes them; empty without one.
        facts: the facts that all results of the setting share.
    """

    hosts: tuple[Host, ...]
    description: Description
    host: str | None = None
    sweep: str = ""
    facts: Metadata = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """What tells it from other settings of its run, in words."""
        return ", ".join(filter(None, (f"on {self.host}" if self.host else "", self.sweep)))

    @property
    def metadata(self) -> Metadata:
        """The facts that every result stores: `facts` and the notes of the delivery."""
        return self.facts | schema.stored(schema.note_facts(self.description.notes))

    @property
    def slots(self) -> tuple[Host, ...]:
        """A host for each boot that may run at once; timed boots have a host to themselves."""
        most = max(host.slots for host in self.hosts)
        rounds = range(1 if self.description.clock.is_noisy else most)
        return tuple(host for slot in rounds for host in self.hosts if slot < host.slots)


def described(
    session: Session,
    names: tuple[str, ...] | None,
    request: Describe,
    points: Sequence[Point] = (Point(),),
) -> tuple[Setting, ...]:
    """
    The settings of a run on the hosts called *names*, by ID or name; None for all hosts.

    Raises:
        UsageError: there is no such host, the clock does not tell hosts apart, or the
            delivery takes no sweep.
        PvbenchError: a host cannot describe the delivery.
    """
    names = None if names == (_ALL,) else names
    hosts = _selected(session.hosts, names)
    several = len(session.hosts) > 1
    first = _description(session, hosts[0], request, named=several)
    is_noisy = first.clock.is_noisy
    if not is_noisy:
        _refuse_selection(names, first)
    _check_costs(request.delivery, points[:1], [first])  # a description may boot a guest
    places = [(host, point) for host in (hosts if is_noisy else hosts[:1]) for point in points]
    descriptions = [
        first
        if (host, point) == (hosts[0], Point())
        else _description(session, host, _asking(request, point), named=several)
        for host, point in places
    ]
    _check_costs(request.delivery, points, descriptions)
    _check_clocks([host for host, _ in places], descriptions)
    kept_apart = is_noisy and (several or names is not None)
    return tuple(
        Setting(
            hosts=(host,) if is_noisy else hosts,
            description=description,
            host=host.id if kept_apart else None,
            sweep=str(point),
        )
        for (host, point), description in zip(places, descriptions, strict=True)
    )


def _asking(request: Describe, point: Point) -> Describe:
    """*request* for the cost profile at *point*."""
    return request._replace(options=attrs.evolve(request.options, cost_values=point.numbers))


def _check_costs(
    delivery: str, points: Sequence[Point], descriptions: Sequence[Description]
) -> None:
    """Refuse a sweep of a delivery that has no costs, or the same at each point."""
    hashes = {one.costs.sha256 for one in descriptions if one.costs}
    if any(point.values for point in points) and len(hashes) < len(points):
        why = "its costs do not depend on it" if hashes else "it has no cost profile"
        raise UsageError(f"delivery {delivery} takes no --sweep", why=why, fix="Leave it out.")


def _selected(hosts: tuple[Host, ...], names: tuple[str, ...] | None) -> tuple[Host, ...]:
    if names is None:
        return hosts
    return tuple(dict.fromkeys(_host_called(name, hosts) for name in names))


def _host_called(name: str, hosts: tuple[Host, ...]) -> Host:
    """The host with the ID *name*, else the only one with that name."""
    with_id = [host for host in hosts if host.id == name]
    matching = with_id or [host for host in hosts if host.name == name]
    if len(matching) == 1:
        return matching[0]
    ids = [host.id for host in hosts]
    listing = f"Hosts: {shortened_list(ids, 8)}."
    if matching:
        raise UsageError(f"{len(matching)} hosts have the name {name!r}", fix=listing)
    raise unknown("host", name, ids, listing)


def _description(
    session: Session, host: Host, request: Describe, *, named: bool
) -> Description:
    """The delivery on *host*, which an error that is not the user's names with *named*."""
    try:
        return session.describe(host, request)
    except PvbenchError as error:
        if not named or error.status is Status.USAGE:
            raise
        what = f"host {host.id} ({host.name}): {str(error).rstrip('.')}"
        raise SiteError(f"{what}. Choose hosts with --hosts", error.status) from None


def _refuse_selection(names: tuple[str, ...] | None, description: Description) -> None:
    if names is not None:
        raise UsageError(
            "--hosts selects the machines of timed boots, and this run has none",
            why=f"clock {description.clock.name} is the same on every host",
            fix="Leave it out.",
        )


def _check_clocks(hosts: Sequence[Host], descriptions: Sequence[Description]) -> None:
    """Refuse hosts whose results cannot follow one plan."""
    clocks = [f"{one.clock.name} ({one.clock.exactness})" for one in descriptions]
    if len(set(clocks)) > 1:
        by_host = zip(hosts, clocks, strict=True)
        why = ", ".join(dict.fromkeys(f"{host.id} has {clock}" for host, clock in by_host))
        raise UsageError("the hosts have different clocks", why=why, fix="Give --hosts.")
