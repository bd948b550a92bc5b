"""A machine that has lost all of its workers: its first boot waits for new ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from pvbench.errors import WorkerError
from pvbench.site import Host
from pvbench_site_dask import boots
from pvbench_site_dask.boots import Boots
from pvbench_site_dask.machines import Identity

A, B = Host("a", "node-1"), Host("b", "node-2")


@attrs.define
class Clock:
    """The time, which passes only while a boot waits."""

    now_s: float = 0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@attrs.define
class Cluster:
    """The machines that have a worker."""

    hosts: tuple[str, ...]

    @property
    def client(self) -> Any:
        """A client whose scheduler sends no events."""
        return SimpleNamespace(subscribe_topic=lambda topic, handler: None)

    def workers(self) -> list[Identity]:
        return [
            Identity(
                address=f"tcp://{host}:1",
                host=host,
                boot_id="1",
                name=host,
                threads=1,
                timed=False,
                software={},
            )
            for host in self.hosts
        ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that no test waits for."""
    passing = Clock()
    monkeypatch.setattr(boots, "time", passing)
    return passing


def no_worker_is_left(machines: Boots, host: Host) -> bool:
    """Whether a boot on *host* fails for that reason."""
    with pytest.raises(WorkerError, match=f"no worker is left on {host.name}"):
        machines._workers(host)
    return True


def test_only_the_first_boot_of_a_lost_machine_waits(clock: Clock) -> None:
    """The boots of another machine do not wait at all."""
    cluster: Any = Cluster(("a",))
    machines = Boots(cluster, 60.0)

    assert no_worker_is_left(machines, B)
    waited_s = clock.now_s
    assert no_worker_is_left(machines, B)
    assert [worker.host for worker in machines._workers(A)] == ["a"]
    assert (waited_s, clock.now_s) == (30, 30)


def test_a_machine_that_came_back_is_used_and_waited_for_again(clock: Clock) -> None:
    """As if it had never been lost."""
    cluster: Any = Cluster(("a",))
    machines = Boots(cluster, 60.0)
    assert no_worker_is_left(machines, B)
    cluster.hosts = ("a", "b")
    assert [worker.host for worker in machines._workers(B)] == ["b"]
    cluster.hosts = ("a",)

    assert no_worker_is_left(machines, B)
    assert clock.now_s == 60
