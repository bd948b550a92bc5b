"""The machines of a cluster, and the workers that run this pvbench there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from pvbench import notices
from pvbench.errors import UnavailableError
from pvbench.protocol import VERSION
from pvbench.site import Host

RESOURCE: Final = "pvbench"  # what a worker for timed boots offers: --resources pvbench=1


@attrs.frozen(kw_only=True)
class Identity:
    """
    What a worker of a cluster is.

    Args:
        address: of the worker.
        host: the ID of its machine.
        boot_id: the kernel's ID of the time since its machine was booted.
        name: of its machine.
        threads: boots that it runs at once.
        timed: whether it offers the resource for timed boots.
        software: pvbench, its protocol and its plugins, each with a version.
    """

    address: str
    host: str
    boot_id: str
    name: str
    threads: int
    timed: bool
    software: Mapping[str, str]


def differences(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """How the software of a worker differs from that of this process, in words."""
    return ", ".join(
        f"{name} is {theirs.get(name, 'missing')} there and {ours.get(name, 'missing')} here"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name) != ours.get(name)
    )


def accepted(workers: Iterable[Identity], ours: Mapping[str, str]) -> Iterator[Identity]:
    """The workers with the software *ours*; others are named and refused."""
    for worker in workers:
        if difference := differences(worker.software, ours):
            notices.say(f"worker {worker.address} ({worker.name}) is not used: {difference}")
        else:
            yield worker


def hosts_of(workers: Iterable[Identity]) -> tuple[Host, ...]:
    """
    The machines of *workers*, by ID.

    Raises:
        UnavailableError: two machines have one ID.
    """
    by_host: dict[str, list[Identity]] = {}
    for worker in workers:
        by_host.setdefault(worker.host, []).append(worker)
    for host, group in by_host.items():
        if len({worker.boot_id for worker in group}) > 1:
            raise UnavailableError(
                f"workers of different machines have host ID {host}",
                why=", ".join(sorted(worker.address for worker in group)),
                fix="Set PVBENCH_HOST_ID for the workers of each machine.",
            )
    return tuple(
        Host(host, group[0].name, slots=sum(worker.threads for worker in group))
        for host, group in sorted(by_host.items())
    )


def protocol_software() -> dict[str, str]:
    """The version of the messages, which differ between revisions of one version."""
    return {"protocol": str(VERSION)}
