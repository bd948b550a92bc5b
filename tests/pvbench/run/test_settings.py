"""The hosts of a run: a noisy clock keeps them apart, any other clock shares its boots."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import nullcontext

import attrs
import pytest

from pvbench.delivery import Clock, Costs, Description, Options
from pvbench.errors import PvbenchError, SiteError, UnavailableError, UsageError
from pvbench.protocol import Describe, Report, Work
from pvbench.run.settings import described
from pvbench.run.sweep import parsed, points
from pvbench.site import Host
from support.sessions import EXACT, NEAR_EXACT, NO_TIMES, NOISY

A, B, C = Host("a", "node-1", 2), Host("b", "node-2"), Host("c", "node-2")
REQUEST = Describe("small", "small", Options())


@attrs.frozen
class Cluster:
    """A session with hosts, of which some have a clock of their own or cannot answer."""

    hosts: tuple[Host, ...] = (A, B, C)
    clock: Clock = NOISY
    clocks: dict[str, Clock] = attrs.field(factory=dict)
    broken: tuple[str, ...] = ()
    misused: bool = False
    asked: list[tuple[str, dict[str, float]]] = attrs.field(factory=list)

    def describe(self, host: Host, request: Describe) -> Description:
        self.asked.append((host.id, dict(request.options.cost_values)))
        if self.misused:
            raise UsageError("small runs on no CPU")
        if host.id in self.broken:
            raise UnavailableError("small cannot be used here", why="it has no KVM")
        clock = self.clocks.get(host.id, self.clock)
        return Description(clock=clock, facts={"described_on": host.id})

    def alone(self) -> nullcontext[None]:
        return nullcontext()

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        raise NotImplementedError


def settings_of(names: tuple[str, ...] | None = None, **session: object) -> list[object]:
    """The hosts of each setting, whether they are an axis, and who described it."""
    return [
        ([host.id for host in one.hosts], one.host, one.description.facts["described_on"])
        for one in described(Cluster(**session), names, REQUEST)  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("names", "hosts"),
    [
        pytest.param(None, "abc", id="all-by-default"),
        pytest.param(("all",), "abc", id="all"),
        pytest.param(("b", "a"), "ba", id="by-id-in-the-order-given"),
        pytest.param(("node-1",), "a", id="by-name"),
        pytest.param(("a", "node-1"), "a", id="each-once"),
    ],
)
def test_a_noisy_clock_has_a_setting_for_each_chosen_host(
    names: tuple[str, ...] | None, hosts: str
) -> None:
    """Each is described there, and its results have the host as an axis."""
    assert settings_of(names) == [([host], host, host) for host in hosts]


@pytest.mark.parametrize("clock", [EXACT, NEAR_EXACT, NO_TIMES], ids=lambda c: c.exactness)
def test_any_other_clock_has_one_setting_with_all_hosts(clock: Clock) -> None:
    """The first host describes the delivery for all."""
    assert settings_of(clock=clock) == [(["a", "b", "c"], None, "a")]


def test_the_only_host_of_a_site_is_no_axis_unless_it_is_named() -> None:
    """Files of such a site stay as they were."""
    assert settings_of(hosts=(A,)) == [(["a"], None, "a")]
    assert settings_of(("a",), hosts=(A,)) == [(["a"], "a", "a")]


@attrs.frozen
class Modelled(Cluster):
    """A session whose delivery has costs, each a cost profile of its own if they are used."""

    uses_values: bool = True

    def describe(self, host: Host, request: Describe) -> Description:
        values = str(request.options.cost_values) if self.uses_values else ""
        description = super().describe(host, request)
        return attrs.evolve(description, costs=Costs("mine", f"{values} on {host.id}"))


SWEPT = points([parsed("costs.eoi=1,2")])


@pytest.mark.parametrize(
    ("clock", "settings"),
    [
        (EXACT, [("abc", "costs.eoi=1"), ("abc", "costs.eoi=2")]),
        (NOISY, [(host, f"costs.eoi={value}") for host in "abc" for value in (1, 2)]),
    ],
    ids=["exact", "noisy"],
)
def test_a_sweep_has_a_setting_for_each_value(
    clock: Clock, settings: list[tuple[str, str]]
) -> None:
    """On each host if the clock keeps hosts apart; each is described with its own costs."""
    planned = described(Modelled(clock=clock), None, REQUEST, SWEPT)

    assert [("".join(h.id for h in one.hosts), one.sweep) for one in planned] == settings
    assert len({one.description.costs for one in planned}) == len(settings)


@pytest.mark.parametrize(
    ("session", "why"),
    [
        pytest.param(Cluster(clock=EXACT), "it has no cost profile", id="no-costs"),
        pytest.param(
            Modelled(clock=EXACT, uses_values=False),
            "its costs do not depend on it",
            id="ignored",
        ),
    ],
)
def test_a_sweep_of_a_delivery_without_such_costs_is_refused(
    session: Cluster, why: str
) -> None:
    """Its results would all be the same."""
    with pytest.raises(UsageError, match=f"delivery small takes no --sweep: {why}"):
        described(session, None, REQUEST, SWEPT)


def test_a_delivery_without_costs_is_described_once_before_a_sweep_is_refused() -> None:
    """
    A description may boot a guest, and a sweep can have a thousand values.

    It is the description without a sweep, which an earlier run may have kept.
    """
    session = Cluster(clock=EXACT)

    with pytest.raises(UsageError, match="it has no cost profile"):
        described(session, None, REQUEST, SWEPT)

    assert session.asked == [("a", {})]


@pytest.mark.parametrize(
    ("session", "names", "error", "sentence"),
    [
        pytest.param(
            {"hosts": (Host("rome-1", "x"), Host("milan-1", "y"))},
            ("rome",),
            UsageError,
            "there is no host called 'rome'. Did you mean 'rome-1'? Hosts: rome-1, milan-1.",
            id="unknown",
        ),
        pytest.param(
            {},
            ("node-2",),
            UsageError,
            "2 hosts have the name 'node-2'. Hosts: a, b, c.",
            id="a-name-of-two",
        ),
        pytest.param(
            {"clock": EXACT},
            ("a",),
            UsageError,
            "--hosts selects the machines of timed boots, and this run has none: "
            "clock model is the same on every host. Leave it out.",
            id="exact",
        ),
        pytest.param(
            {"clocks": {"b": NO_TIMES}},
            ("a", "b"),
            UsageError,
            "the hosts have different clocks: a has tsc (noisy), b has tsc (none). "
            "Give --hosts.",
            id="two-clocks",
        ),
        pytest.param(
            {"broken": ("c",)},
            None,
            SiteError,
            "host c (node-2): small cannot be used here: it has no KVM. "
            "Choose hosts with --hosts",
            id="a-host-that-cannot",
        ),
        pytest.param(
            {"hosts": (A,), "broken": ("a",)},
            None,
            UnavailableError,
            "small cannot be used here: it has no KVM",
            id="the-only-host-cannot",
        ),
        pytest.param(
            {"misused": True}, None, UsageError, "small runs on no CPU", id="wrong-everywhere"
        ),
    ],
)
def test_hosts_that_cannot_share_a_plan_are_refused(
    session: dict[str, object],
    names: tuple[str, ...] | None,
    error: type[PvbenchError],
    sentence: str,
) -> None:
    """Before the run, with what to do."""
    with pytest.raises(error) as raised:
        settings_of(names, **session)

    assert str(raised.value) == sentence
