"""Sites are the places where boots happen; everything that depends on a host is read there."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import attrs

from pvbench.delivery import Description
from pvbench.errors import UnavailableError
from pvbench.protocol import Describe, Report, Work


@attrs.frozen(kw_only=True)
class SiteOptions:
    """
    The options that a user chose for a site.

    Args:
        timeout_s: a boot that takes longer has failed.
        probe: whether something may be compiled or booted to open a session.
    """

    timeout_s: float = 600
    probe: bool = True


@attrs.frozen
class Host:
    """
    A machine of a site.

    Args:
        slots: boots that it can run at once.  A run with a noisy clock starts one at a time.
    """

    id: str
    name: str
    slots: int = 1


@attrs.frozen(kw_only=True)
class Reach:
    """
    Which functions ran, of those whose code is not the same at two sites.

    Args:
        ran: those that ran.
        idle: those that did not.
        unknown: why it is not known of others, as a sentence without a full stop; '' if
            there are no others.
    """

    ran: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    unknown: str = ""


class Tracing(Protocol):
    """What a session may offer besides: whether a job executes the code under test."""

    def reach(self, host: Host, job: Work, other: str) -> Reach | None:
        """
        Do *job* on *host*, untimed, and say which of the functions ran whose code is not
        the same at the site called *other*; None if that site has nothing in common.

        Raises:
            PvbenchError: it cannot be done.
        """
        ...


class Session(Protocol):
    """
    An open connection to a site.

    Attributes:
        hosts: its machines, at least one.
    """

    @property
    def hosts(self) -> tuple[Host, ...]: ...

    def describe(self, host: Host, request: Describe) -> Description:
        """
        Describe a delivery on *host*; the site answers, not the manager.

        Raises:
            PvbenchError: it cannot do what is asked.
        """
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keep other timed runs of its hosts waiting, and wait for those under way."""
        ...

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        """
        Run *job* on *host*, and yield the reports as they arrive.

        Several threads may do so, up to the slots of the host; each goes on with the boot
        that it began.

        Raises:
            WorkerError: it cannot be done.
            ProtocolError: its reports cannot be read.
        """
        ...


class Site(Protocol):
    """
    A place that can run workers.

    Attributes:
        name: unique, ``local``; with an address if it belongs to a family.
        summary: one line for `pvbench list sites`.
    """

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...

    def why_unavailable(self) -> str | None:
        """Why this machine cannot reach the site; None if it can."""
        ...

    def session(self, options: SiteOptions) -> AbstractContextManager[Session]:
        """Connect to the site; leaving the context ends everything that was started there."""
        ...


class SiteFamily(Protocol):
    """
    The sites that differ in an address: ``lab:6.12`` is site ``6.12`` of family ``lab``.

    Attributes:
        name: unique.
        form: how its sites are written, ``lab:KERNEL``.
        summary: one line for `pvbench list sites`.
    """

    @property
    def name(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def summary(self) -> str: ...

    def why_unavailable(self) -> str | None:
        """Why this machine cannot reach any of its sites; None if it can."""
        ...

    def at(self, address: str) -> Site:
        """
        The site at *address*, which is not empty; nothing is started.

        Raises:
            UsageError: there cannot be such a site.
        """
        ...


@contextmanager
def opened(site: Site, options: SiteOptions) -> Iterator[Session]:
    """
    A session with *site*.

    Raises:
        UnavailableError: this machine cannot reach it.
    """
    if reason := site.why_unavailable():
        raise UnavailableError(f"{site.name} cannot be used here", why=reason)
    with site.session(options) as session:
        yield session
