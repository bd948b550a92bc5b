"""Guests and bursts that senders, workloads and deliveries are checked with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst
from pvbench.topology import parse_guest
from pvbench.x86.apic import NMI_VECTOR, RESCHEDULE_VECTOR

# Boundaries: 8 CPUs of flat mode, clusters of 16, machine words, windows of 128 and 192,
# the 8 bits of an xAPIC ID, the 20 bits of an x2APIC ID in a cluster, and the highest ID.
TOPOLOGIES: Final = (
    "dense:1",
    "dense:2",
    "dense:8",
    "dense:80",
    "dense:300",
    "sockets:2x5x2",
    "sparse:9:16",
    "sparse:6:129",
    "interleaved:7",
    "interleaved:130",
    "ids:9-0",
    "ids:1,128,0",
    "ids:191-193,63-65,127-129",
    "ids:248-254",
    "ids:250-260,0",
    "ids:0,1048574,1048575",
    "ids:4294967294,0,2147483648,5",
    "dense:9+offline:3,8",
    "sparse:20:2+logical:0-19",
    "interleaved:70+vp:69-0",
)
# The first kernel with PV IPIs, and a current one on CPUs that need no fence.
ERAS: Final = (LinuxEra(version="4.19"), LinuxEra(vendor="AMD"))
NARROW: Final = ("dense:2", "dense:80", "interleaved:40")  # for guests of 32 bits
SMALL: Final = (
    *("dense:2", "sockets:1x2x2", "interleaved:6", "ids:9-0", "dense:20"),
    "sparse:6:8+offline:2,5+logical:0-5+vp:5-0",
)

_ONE_TARGET: Final = ("send_IPI", "smp_call_function_single")
_MASKS: Final = ("send_IPI_mask", "send_IPI_mask_allbutself", "smp_call_function_many")
_WITHOUT_TARGETS: Final = ("send_IPI_allbutself", "send_IPI_all", "send_IPI_self")


def guests() -> Iterator[Guest]:
    """Return guests of each APIC ID layout, of 1 to 300 CPUs, and with 32 bits."""
    yield from map(parse_guest, TOPOLOGIES)
    yield from (parse_guest(spec, bits=32) for spec in NARROW)


def bursts(guest: Guest) -> Iterator[Burst]:
    """Return each operation of the first and the last CPU to no, few and all targets."""
    for source in dict.fromkeys((0, guest.online[-1])):
        for operation in (*CSD_OPERATIONS, *BARE_OPERATIONS):
            for targets in _targets(operation, guest, source):
                yield Burst(source=source, operation=operation, targets=targets)
        yield from _with_vectors(guest, source)


def _with_vectors(guest: Guest, source: int) -> Iterator[Burst]:
    for vector in (NMI_VECTOR, RESCHEDULE_VECTOR):
        for operation in BARE_OPERATIONS:
            *_, targets = _targets(operation, guest, source)
            yield Burst(source=source, operation=operation, targets=targets, vector=vector)


def _targets(operation: str, guest: Guest, source: int) -> Iterable[tuple[int, ...]]:
    """Return sets of targets for *operation*."""
    if operation in _WITHOUT_TARGETS:
        return ((),)
    if operation in _ONE_TARGET:
        return dict.fromkeys(((source,), (0,), (guest.online[-1],)))
    return dict.fromkeys(_masks(guest, source))


def _masks(guest: Guest, source: int) -> Iterator[tuple[int, ...]]:
    """Return no CPU, the source, one other, both ends, half, every third, all, all others."""
    all_cpus, others = guest.online, guest.others(source)
    yield ()
    yield (source,)
    yield others[:1]
    yield tuple(dict.fromkeys((all_cpus[0], all_cpus[-1])))
    yield all_cpus[len(all_cpus) // 2 :]
    yield all_cpus[1::3]
    yield all_cpus
    yield others


def small_guests() -> Iterator[Guest]:
    """Return a few guests that boot quickly."""
    yield from map(parse_guest, SMALL)


def host_guests() -> list[Guest]:
    """Return a guest with this host's topology; ``[]`` if the host shows no APIC IDs."""
    try:
        return [parse_guest("host")]
    except UsageError:
        return []


def iterations(guest: Guest) -> Iterator[tuple[Burst, ...]]:
    """Return iterations of both protocols, from one source and from several at once."""
    for burst in _single(guest):
        yield (burst,)
    yield from _concurrent(guest)


def _single(guest: Guest) -> Iterator[Burst]:
    others, last = guest.others(0), guest.online[-1]
    for operation in _MASKS:
        to_all = Burst(source=0, operation=operation, targets=others)
        yield from (to_all, attrs.evolve(to_all, wait=False), attrs.evolve(to_all, lock=True))
        yield Burst(source=last, operation=operation, targets={*others[:1], last})
    for operation in _ONE_TARGET:
        yield Burst(source=0, operation=operation, targets=(last,))
    for operation in _WITHOUT_TARGETS:
        yield Burst(source=0, operation=operation)
    yield Burst(source=0, operation="smp_call_function_single", targets=(0,))
    yield Burst(source=0, operation="send_IPI_mask", targets=others, vector=NMI_VECTOR)


def _concurrent(guest: Guest) -> Iterator[tuple[Burst, ...]]:
    """Return bursts of several CPUs to the same targets, and a ring of unicasts."""
    cpus = guest.online
    sources = cpus[:3]
    for operation in _MASKS:
        yield tuple(
            Burst(source=cpu, operation=operation, targets=guest.others(cpu)) for cpu in sources
        )
    for operation in _ONE_TARGET:
        yield tuple(
            Burst(source=cpu, operation=operation, targets=(cpus[place - 1],))
            for place, cpu in enumerate(cpus)
        )
