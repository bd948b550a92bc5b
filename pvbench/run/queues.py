"""Queues: the boots that wait for the same hosts."""

from __future__ import annotations

from collections.abc import Container, Generator, Iterable, Mapping

import attrs

from pvbench.run.request import PreparedRun
from pvbench.run.settings import Setting
from pvbench.site import Host

# The numbers of the boots to run, each with the facts that its results store besides.  The
# next one is asked for when there is a free host for it.
Order = Generator[tuple[int, Mapping[str, str]], None, None]


@attrs.frozen(eq=False)
class Queue:
    """Boots in their order, and the hosts that are free for them."""

    order: Order
    free: list[Host]

    @classmethod
    def of(cls, order: Order, settings: Iterable[Setting]) -> Queue:
        """A queue on all hosts of *settings*."""
        return cls(order, [host for setting in settings for host in setting.slots])

    def take(self, hosts: Container[Host]) -> Host:
        """A free one of *hosts*, which is free no longer."""
        host = next(host for host in self.free if host in hosts)
        self.free.remove(host)
        return host


def queues_of(prepared: PreparedRun, stored: Container[int]) -> list[Queue]:
    """
    A queue for the boots of each setting that has hosts of its own.

    A host that is slow, or that has lost its workers, does not keep the others waiting.
    """
    by_hosts: dict[tuple[Host, ...], list[int]] = {}
    for number, setting in enumerate(prepared.settings):
        by_hosts.setdefault(setting.hosts, []).append(number)
    return [
        Queue.of(_not_stored(prepared, stored, numbers), [prepared.settings[numbers[0]]])
        for numbers in by_hosts.values()
    ]


def _not_stored(
    prepared: PreparedRun, stored: Container[int], settings: Container[int]
) -> Order:
    """The boots of *settings* that are not stored."""
    for number, boot in prepared.boots.items():
        if boot.setting in settings and number not in stored:
            yield number, {}
