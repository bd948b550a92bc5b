"""Guests and bursts that a sender, a workload or a delivery meets sooner or later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.guest import Guest, parse_guest
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst
from pvbench.x86.apic import NMI_VECTOR, RESCHEDULE_VECTOR

# Around 8 CPUs of flat mode, clusters of 16, machine words, windows of 128 and 192,
# the 8 bits of an xAPIC ID, the 20 of a cluster's x2APIC ID, and the last ID there is.
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
)
NARROW: Final = ("dense:2", "dense:80", "interleaved:40")  # for guests of 32 bits
SMALL: Final = ("dense:2", "sockets:1x2x2", "interleaved:6", "ids:9-0", "dense:20")

_ONE_TARGET: Final = ("send_IPI", "smp_call_function_single")
_MASKS: Final = ("send_IPI_mask", "send_IPI_mask_allbutself", "smp_call_function_many")
_NAMELESS: Final = ("send_IPI_allbutself", "send_IPI_all", "send_IPI_self")


def guests() -> Iterator[Guest]:
    """Dense, sparse, in turn, backwards, small, big, with high APIC IDs, and of 32 bits."""
    yield from map(parse_guest, TOPOLOGIES)
    yield from (parse_guest(spec, bits=32) for spec in NARROW)


def bursts(guest: Guest) -> Iterator[Burst]:
    """Every operation of the first and the last CPU, to none, few and all, and as NMI."""
    for source in dict.fromkeys((0, guest.cpus[-1])):
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
    """What *operation* may be asked to reach."""
    if operation in _NAMELESS:
        return ((),)
    if operation in _ONE_TARGET:
        return dict.fromkeys(((source,), (0,), (guest.cpus[-1],)))
    return dict.fromkeys(_masks(guest, source))


def _masks(guest: Guest, source: int) -> Iterator[tuple[int, ...]]:
    """Empty, itself, one other, the ends, a half, every third, all, all others."""
    everybody, others = tuple(guest.cpus), guest.others(source)
    yield ()
    yield (source,)
    yield others[:1]
    yield tuple(dict.fromkeys((everybody[0], everybody[-1])))
    yield everybody[len(everybody) // 2 :]
    yield everybody[1::3]
    yield everybody
    yield others


def small_guests() -> Iterator[Guest]:
    """A few that boot quickly."""
    yield from map(parse_guest, SMALL)


def host_guests() -> list[Guest]:
    """Of the machine's own topology, for what serves no other; ``[]`` if it has no APIC."""
    try:
        return [parse_guest("host")]
    except UsageError:
        return []


def iterations(guest: Guest) -> Iterator[tuple[Burst, ...]]:
    """What guests do all day: both protocols, to one, few and all, alone and at once."""
    for burst in _alone(guest):
        yield (burst,)
    yield from _at_once(guest)


def _alone(guest: Guest) -> Iterator[Burst]:
    others, last = guest.others(0), guest.cpus[-1]
    for operation in _MASKS:
        to_all = Burst(source=0, operation=operation, targets=others)
        yield from (to_all, attrs.evolve(to_all, wait=False), attrs.evolve(to_all, lock=True))
        yield Burst(source=last, operation=operation, targets={*others[:1], last})
    for operation in _ONE_TARGET:
        yield Burst(source=0, operation=operation, targets=(last,))
    for operation in _NAMELESS:
        yield Burst(source=0, operation=operation)
    yield Burst(source=0, operation="smp_call_function_single", targets=(0,))
    yield Burst(source=0, operation="send_IPI_mask", targets=others, vector=NMI_VECTOR)


def _at_once(guest: Guest) -> Iterator[tuple[Burst, ...]]:
    """Bursts of several CPUs that meet on their targets, and a ring of unicasts."""
    sources = guest.cpus[:3]
    for operation in _MASKS:
        yield tuple(
            Burst(source=cpu, operation=operation, targets=guest.others(cpu)) for cpu in sources
        )
    for operation in _ONE_TARGET:
        yield tuple(
            Burst(source=cpu, operation=operation, targets=(guest.cpus[cpu - 1],))
            for cpu in guest.cpus
        )
