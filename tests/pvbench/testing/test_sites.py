"""The conformance kit refuses faulty sites and says where the fault is."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pvbench.delivery import Description
from pvbench.errors import UnavailableError
from pvbench.protocol import Describe, ErrorReport, Report, Work
from pvbench.site import Host, Session, SiteOptions
from pvbench.testing.sites import check_site
from pvbench_deliver_model import Model
from pvbench_site_local import Local, LocalSession


class FaultySession(LocalSession):
    """A session with this machine, of which a test changes something."""

    fault = ""

    @property
    def hosts(self) -> tuple[Host, ...]:
        hosts = {
            "no-host": (),
            "no-slot": (Host("a", "a", 0),),
            "one-id-twice": (Host("a", "a"), Host("a", "b")),
        }
        return hosts.get(self.fault, (Host("a", "a"),))

    def describe(self, host: Host, request: Describe) -> Description:
        if self.fault == "describe":
            raise ZeroDivisionError("no description")
        return super().describe(host, request)

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        if self.fault == "error":
            yield ErrorReport("no guest")
        yield from list(super().boot(host, job))[self.fault == "slice-lost" :]


def faulty(fault: str) -> Any:
    """The machine itself with a fault."""

    class Session_(FaultySession):  # noqa: N801 - of this site only
        pass

    Session_.fault = fault

    class Faulty(Local):
        name = "faulty"

        @contextmanager
        def session(self, options: SiteOptions) -> Iterator[Session]:
            yield Session_(options)

    return Faulty()


def test_a_correct_site_passes() -> None:
    """It describes the model and boots twice."""
    check_site(faulty(""))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("no-host", "faulty: its hosts must be at least one, with an ID of their own each"),
        ("one-id-twice", "faulty: its hosts must be at least one"),
        ("no-slot", "faulty: host a has no slot for a boot"),
        ("describe", r"faulty, host a: describe\(\) raises ZeroDivisionError: no description"),
        ("error", r"faulty, host a: boot\(\) raises UsageError: no guest"),
        ("slice-lost", r"faulty, host a: boot\(\) reports 1 of 2 slices"),
    ],
)
def test_a_faulty_session_is_refused(fault: str, sentence: str) -> None:
    """The message names the site, the host and the call."""
    with pytest.raises(AssertionError, match=sentence):
        check_site(faulty(fault))


def test_a_result_that_proves_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts are compared as those of a run."""
    monkeypatch.setattr("pvbench.testing.sites.differences", lambda *_: ["it lost an IPI"])
    with pytest.raises(AssertionError, match="faulty, host a: it lost an IPI"):
        check_site(faulty(""))


class Family:
    """Sites that differ in their fault."""

    name, form, summary = "family", "family:FAULT", "for tests"

    def why_unavailable(self) -> str | None:
        return None

    def at(self, address: str) -> Any:
        return 4 if address == "number" else faulty(address)


def test_each_address_of_a_family_is_checked() -> None:
    """Here the second one fails."""
    with pytest.raises(AssertionError, match="faulty: host a has no slot for a boot"):
        check_site(Family(), "fine", "no-slot")


def test_a_family_must_give_sites() -> None:
    """A number is none."""
    with pytest.raises(AssertionError, match=r"family: at\(\) gives no site: it lacks name"):
        check_site(Family(), "number")


def test_what_the_loader_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the loader's sentence."""
    monkeypatch.setattr(Family, "form", "other:FAULT")
    with pytest.raises(AssertionError, match="site family: the loader refuses it: the form of"):
        check_site(Family())


def test_an_empty_reason_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither None nor a reason."""
    monkeypatch.setattr(Family, "why_unavailable", lambda self: "")
    with pytest.raises(AssertionError, match=r"why_unavailable\(\) returns ''"):
        check_site(Family())


def test_a_site_that_cannot_be_reached_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller may skip its test with the reason."""
    monkeypatch.setattr(Local, "why_unavailable", lambda self: "the cable is out")
    with pytest.raises(UnavailableError, match="faulty cannot be checked here: the cable is"):
        check_site(faulty(""))


def test_a_site_whose_delivery_supports_nothing_is_not_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is no burst that could be sent there."""
    monkeypatch.setattr(Model, "why_unsupported", lambda *_: "no CPU is left")
    with pytest.raises(
        UnavailableError, match="delivery model supports no bundled driver there"
    ):
        check_site(faulty(""))
