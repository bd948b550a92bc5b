"""A connection to a cluster: its workers that can be used, and what is to be run on them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import attrs
from distributed import Client

from pvbench.errors import UnavailableError, WorkerError
from pvbench.site import Host
from pvbench.text import text_of
from pvbench_site_dask import remote
from pvbench_site_dask.machines import Identity, accepted, hosts_of

_NO_WORKER = "Start workers with this pvbench and its plugins, see docs/fleet.md."


@attrs.frozen(eq=False)
class Cluster:
    """The workers of a cluster; those that join later are asked about themselves too."""

    client: Client
    _asked: dict[str, Identity | None] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def workers(self) -> list[Identity]:
        """The workers that are there now and have the software of this process."""
        with self._lock:
            present = sorted(self.present())
            self._ask([address for address in present if address not in self._asked])
            return [worker for address in present if (worker := self._asked.get(address))]

    def present(self) -> set[str]:
        """
        The addresses of all workers that are there now.

        Raises:
            WorkerError: the scheduler does not answer.
        """
        try:
            return set(self.client.nthreads())
        except Exception as error:
            what = "the scheduler of the cluster does not answer"
            raise WorkerError(what, why=text_of(error)) from None

    def hosts(self) -> tuple[Host, ...]:
        """
        The machines of these workers.

        Raises:
            UnavailableError: there is no worker that can be used.
        """
        hosts = hosts_of(self.workers())
        if not hosts:
            raise UnavailableError("the cluster has no worker that can be used", fix=_NO_WORKER)
        return hosts

    def result_on(self, host: Host, function: Callable[..., bytes], *arguments: Any) -> bytes:
        """
        The result of *function* on a worker of *host*.

        Raises:
            WorkerError: it cannot be had.
        """
        addresses = [worker.address for worker in self.workers() if worker.host == host.id]
        future = self.client.submit(function, *arguments, pure=False, workers=addresses)
        try:
            result: bytes = future.result()
        except Exception as error:
            what = f"a worker of host {host.id} fails"
            raise WorkerError(what, why=text_of(error)) from None
        return result

    def _ask(self, addresses: list[str]) -> None:
        """Ask the workers at *addresses* about themselves; one that is gone is left out."""
        if not addresses:
            return
        answers = self.client.run(remote.identity, workers=addresses, on_error="return")
        identities = {
            address: remote.identity_of(address, answer)
            for address, answer in answers.items()
            if not isinstance(answer, BaseException)
        }
        usable = {w.address: w for w in accepted(identities.values(), remote.software())}
        self._asked.update({address: usable.get(address) for address in identities})
