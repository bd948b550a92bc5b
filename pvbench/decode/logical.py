"""
Logical destinations: their members, and the one that gets a lowest-priority message.

Source: Linux, arch/x86/kvm/lapic.c, kvm_apic_map_get_logical_dest() and
kvm_vector_to_index(), with the module parameter vector_hashing, which is the default.
"""

from __future__ import annotations

import numpy as np

from pvbench.decode.apic_ids import Cpus
from pvbench.decode.calls import bits_of
from pvbench.guest import Guest
from pvbench.x86.apic import XAPIC_BROADCAST, XAPIC_FLAT_CPUS

_CLUSTER_CPUS = 16


def members(destinations: Cpus, guest: Guest) -> tuple[Cpus, Cpus]:
    """
    Return the op and the CPU's APIC ID of each bit of logical *destinations*.

    In x2APIC mode it is the number from which the logical ID is derived (`Guest.logical`).
    """
    bitmaps = destinations.astype("<u2").view(np.uint8)
    positions = np.unpackbits(bitmaps, bitorder="little").nonzero()[0]
    op, bit = positions >> 4, positions & 0xF
    if guest.apic_mode == "x2apic":
        return op, (destinations >> 16 << 4).take(op) + bit
    if len(guest.apic_ids) > XAPIC_FLAT_CPUS:  # no CPU has a logical ID then
        return op[:0], op[:0]
    exist = bit < len(guest.apic_ids)  # in flat mode bit i is CPU i
    return op[exist], np.array(guest.apic_ids, np.int64)[bit[exist]]


def hashed(destination: int, vector: int, guest: Guest) -> int:
    """
    Keep one bit of a logical *destination*: that of the vector modulo the number of bits.

    A bit counts even if no CPU has it, as long as KVM's map has room for it.
    """
    cluster, width = 0, XAPIC_FLAT_CPUS
    if guest.apic_mode == "x2apic":
        cluster = destination >> 16
        room = max(XAPIC_BROADCAST, *guest.logical) + 1 - cluster * _CLUSTER_CPUS
        width = max(0, min(_CLUSTER_CPUS, room))
    bits = bits_of(destination & (1 << width) - 1, _CLUSTER_CPUS)
    member = 1 << int(bits[vector % len(bits)]) if len(bits) else 0
    return cluster << 16 | member
