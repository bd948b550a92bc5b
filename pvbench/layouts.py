"""Layouts: the APIC IDs that firmware and hypervisors give to the CPUs of a machine."""

from __future__ import annotations

from itertools import product

import attrs


@attrs.frozen
class Layout:
    """
    APIC IDs in CPU-number order.

    Args:
        sockets: the number of sockets; 1 where the layout does not tell.
        threads: the threads of each core, which have consecutive CPU numbers; 0 where the
            layout does not tell.
    """

    apic_ids: tuple[int, ...]
    sockets: int = 1
    threads: int = 0


def dense(count: int) -> Layout:
    """APIC IDs 0..count-1."""
    return Layout(tuple(range(count)))


def sockets(*counts: int) -> Layout:
    """
    APIC IDs with a field for each level, padded to a power of two.

    CPU numbers run over the last level first.

    Args:
        counts: the number of sockets, then of what each contains: dies, modules, cores and
            threads.

    Source: Intel SDM vol. 3, "Hierarchical Mapping of Shared Resources"; QEMU,
    include/hw/i386/topology.h, x86_apicid_from_topo_ids().
    """
    ids = tuple(_joined(place, counts) for place in product(*map(range, counts)))
    return Layout(ids, counts[0], counts[-1])


def _joined(place: tuple[int, ...], counts: tuple[int, ...]) -> int:
    """The APIC ID of a CPU from its number in each level."""
    apic_id = 0
    for number, count in zip(place, counts, strict=True):
        apic_id = apic_id << (count - 1).bit_length() | number
    return apic_id


def sparse(count: int, step: int) -> Layout:
    """Every *step*-th APIC ID from 0 on."""
    return Layout(tuple(range(0, count * step, step)))


def interleaved(count: int) -> Layout:
    """
    Alternate low and high APIC IDs: 0, 128, 1, 129, ...

    This order makes the sliding window of KVM_HC_SEND_IPI end at every second CPU.
    """
    half = (count + 1) // 2
    high = max(128, 1 << (half - 1).bit_length())
    return Layout(tuple(i // 2 + high * (i % 2) for i in range(count)))


def threads_last(layout: Layout) -> Layout:
    """
    The first thread of each core, then the second of each, and so on.

    Most firmware lists the CPUs of a machine in this order, and Linux numbers them so.

    Raises:
        ValueError: the layout does not tell which CPUs are threads of a core.
    """
    threads = layout.threads
    if not threads:
        raise ValueError("only the form sockets: tells which CPUs are threads of a core")
    ids = tuple(one for thread in range(threads) for one in layout.apic_ids[thread::threads])
    return attrs.evolve(layout, apic_ids=ids)
