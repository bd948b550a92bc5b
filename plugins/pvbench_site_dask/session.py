"""A session with a cluster."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

import attrs
from distributed import Client

from pvbench.delivery import Description
from pvbench.errors import ProtocolError, SiteError, UnavailableError
from pvbench.protocol import (
    Describe,
    DescriptionReport,
    ErrorReport,
    Report,
    Work,
    decode,
    encode,
)
from pvbench.site import Host, SiteOptions
from pvbench_site_dask import remote
from pvbench_site_dask.boots import Boots
from pvbench_site_dask.cluster import Cluster

_CONNECT_S: Final = 5
_FIX: Final = "Start it with `dask scheduler`, or correct the address."
_DESCRIBE_S: Final = 3600.0  # probes wait for timed runs


@attrs.frozen(eq=False)
class DaskSession:
    """
    A session with a cluster.

    Args:
        hosts: its machines when the session began.
    """

    hosts: tuple[Host, ...]
    _cluster: Cluster
    _boots: Boots
    _timed: threading.Event = attrs.field(factory=threading.Event)

    def describe(self, host: Host, request: Describe) -> Description:
        line = self._cluster.result_on(
            host, remote.describe, encode(request).encode(), _DESCRIBE_S
        )
        match decode(line.decode()):
            case DescriptionReport(description):
                return description
            case ErrorReport(error, status):
                raise SiteError(error, status)
        raise ProtocolError(f"the description of delivery {request.delivery} cannot be read")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Each boot in this context takes the lock of its machine for itself."""
        self._timed.set()
        try:
            yield
        finally:
            self._timed.clear()

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        return self._boots.reports(host if self._timed.is_set() else None, job)


@contextmanager
def opened(address: str, options: SiteOptions) -> Iterator[DaskSession]:
    """
    A session with the cluster whose scheduler is at *address*.

    Raises:
        UnavailableError: the scheduler does not answer, or has no worker that can be used.
    """
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        what = f"the scheduler at {address} cannot be reached"
        raise UnavailableError(what, why=str(error).split("\n")[0], fix=_FIX) from None
    with client:
        cluster = Cluster(client)
        boots = Boots(cluster, options.timeout_s)
        try:
            yield DaskSession(cluster.hosts(), cluster, boots)
        finally:
            boots.end()
