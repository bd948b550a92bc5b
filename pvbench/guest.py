"""
The guest: the APIC IDs of its CPUs, and everything else that its boot depends on.

A CPU number is not an APIC ID; `Guest.apic_ids` maps CPU numbers to APIC IDs.  Few
guests have CPUs that are offline, or logical IDs and VP indexes of their own: Xen has
derived logical x2APIC IDs from its vCPU numbers, which are half of the APIC IDs (xen/arch/
x86/hvm/vlapic.c, bug_x2apic_ldr_vcpu_id).
Equal guests share a boot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from pvbench.validators import integer, ints, one_of
from pvbench.x86.apic import X2APIC_BROADCAST, X2APIC_LOGICAL_IDS

_LONGEST_IDS: Final = 80
MAX_VCPUS: Final = 65_536  # far above KVM's 4096; limits the memory that bad input can take

APIC_MODES: Final = ("xapic", "x2apic")
# The hypervisor interface that answers the guest's hypercalls.  KVM_HC_SEND_IPI has one
# meaning in a host, so each proposal of 2018 needs its own host.
HYPERCALL_ABIS: Final = (
    "kvm",
    "kvm-v3",
    "kvm-cluster128",
    "kvm-cluster192",
    "hyperv",
    "xen",
)


@attrs.frozen(kw_only=True)
class Guest:
    """
    The boot key: topology, APIC mode, hypercall ABI and VM capabilities.

    Args:
        name: the topology as the user wrote it, e.g. ``dense:80``, or a short form of it.
        apic_ids: APIC ID of each CPU, in CPU-number order.
        apic_mode: mode of all local APICs.
        hypercall_abi: interface that answers the guest's hypercalls, from HYPERCALL_ABIS.
        bits: word size of the guest kernel; KVM truncates hypercall registers to it.
        host_cpus: number of host CPUs that the vCPUs share; None means one per vCPU.
        sockets: number of sockets; 1 where the topology does not tell.
        logical_ids: of each CPU, the number from which the hypervisor derives the logical
            x2APIC ID; empty where that is the APIC ID.
        vp_indexes: number of each CPU as a virtual processor of Hyper-V; empty where that
            is the CPU number.
        offline: CPUs that have booted and are offline, so that the kernel has disabled
            their APICs.
        x2apic: whether its CPUs have an x2APIC.
        intremap: whether it has an IOMMU that remaps interrupts.
    """

    name: str
    apic_ids: tuple[int, ...] = attrs.field(converter=ints)
    apic_mode: str = attrs.field(default="x2apic", validator=one_of(*APIC_MODES))
    hypercall_abi: str = attrs.field(default="kvm", validator=one_of(*HYPERCALL_ABIS))
    bits: int = attrs.field(default=64)
    host_cpus: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(
            integer(1, MAX_VCPUS, "a guest needs a host CPU to run on")
        ),
    )
    sockets: int = attrs.field(
        default=1, validator=integer(1, MAX_VCPUS, "each socket has a CPU")
    )
    logical_ids: tuple[int, ...] = attrs.field(default=(), converter=ints)
    vp_indexes: tuple[int, ...] = attrs.field(default=(), converter=ints)
    offline: tuple[int, ...] = attrs.field(default=(), converter=ints)
    x2apic: bool = True
    intremap: bool = False

    @apic_ids.validator
    def _check_apic_ids(self, _: object, ids: tuple[int, ...]) -> None:
        if not 1 <= len(ids) <= MAX_VCPUS:
            raise ValueError(f"a guest has 1 to {MAX_VCPUS} CPUs, not {len(ids)}")
        for apic_id in ids:
            if type(apic_id) is not int or not 0 <= apic_id < X2APIC_BROADCAST:
                raise ValueError(
                    f"APIC ID {apic_id!r} is outside 0..{X2APIC_BROADCAST - 1:#x}: "
                    f"an APIC ID has 32 bits, and the highest value means broadcast"
                )
        if len(set(ids)) != len(ids):
            raise ValueError(f"APIC ID {repeated(ids)[0]} is given to two CPUs")

    @bits.validator
    def _check_bits(self, _: object, bits: int) -> None:
        if type(bits) is not int or bits not in (32, 64):
            raise ValueError(f"Guest.bits is {bits!r}, not 32 or 64")

    @logical_ids.validator
    def _check_logical_ids(self, _: object, ids: tuple[int, ...]) -> None:
        self._check_numbers("logical ID", ids, X2APIC_LOGICAL_IDS)

    @vp_indexes.validator
    def _check_vp_indexes(self, _: object, indexes: tuple[int, ...]) -> None:
        self._check_numbers("VP index", indexes, MAX_VCPUS)

    def _check_numbers(self, noun: str, numbers: tuple[int, ...], limit: int) -> None:
        """Check that each CPU has a number of its own, or none has one."""
        if numbers and len(numbers) != len(self.apic_ids):
            raise ValueError(
                f"{len(numbers)} CPUs have a {noun}, but the guest has {len(self.apic_ids)}"
            )
        if outside := [n for n in numbers if type(n) is not int or not 0 <= n < limit]:
            raise ValueError(f"{noun} {outside[0]!r} is outside 0..{limit - 1:#x}")
        if twice := repeated(numbers):
            raise ValueError(f"{noun} {twice[0]} is given to two CPUs")

    @offline.validator
    def _check_offline(self, _: object, cpus: tuple[int, ...]) -> None:
        for cpu in cpus:
            if type(cpu) is not int or cpu not in self.cpus:
                raise ValueError(f"CPU {cpu!r} cannot be offline: the guest has no such CPU")
        if 0 in cpus:
            raise ValueError("CPU 0 cannot be offline: Linux boots on it")
        if len(set(cpus)) != len(cpus):
            raise ValueError(f"CPU {repeated(cpus)[0]} is offline twice")

    @property
    def cpus(self) -> range:
        """CPU numbers of the guest, with those of CPUs that are offline."""
        return range(len(self.apic_ids))

    @property
    def online(self) -> tuple[int, ...]:
        """The CPUs that are online, as Linux's cpu_online_mask, in CPU-number order."""
        offline = frozenset(self.offline)
        return tuple(cpu for cpu in self.cpus if cpu not in offline)

    @property
    def logical(self) -> tuple[int, ...]:
        """The number from which each CPU's logical x2APIC ID is derived."""
        return self.logical_ids or self.apic_ids

    def vp_index(self, cpu: int) -> int:
        """Number of *cpu* as a virtual processor of Hyper-V."""
        return self.vp_indexes[cpu] if self.vp_indexes else cpu

    @property
    def ids_text(self) -> str:
        """The APIC IDs as ranges in CPU-number order; a long text ends with a hash instead."""
        return listed(self.apic_ids)

    def others(self, cpu: int) -> tuple[int, ...]:
        """All CPUs that are online except *cpu*, in CPU-number order."""
        return tuple(other for other in self.online if other != cpu)


@attrs.frozen
class HostIds:
    """
    APIC IDs of a host's online CPUs in the kernel's order, for the guest ``host``.

    Args:
        reason: why there are none.
    """

    ids: tuple[int, ...] = attrs.field(default=(), converter=ints)
    reason: str = "no site was asked for them"


def listed(numbers: tuple[int, ...]) -> str:
    """Numbers of the CPUs as ranges in their order; a long text ends with a hash instead."""
    text = ",".join(ranges(numbers))
    if len(text) <= _LONGEST_IDS:
        return text
    return f"{text[: _LONGEST_IDS // 2]}... #{hash_of(text)}"


def hash_of(text: str) -> str:
    """Eight digits that tell long lists of APIC IDs apart."""
    from hashlib import sha256  # few guests need it, and each worker imports this module

    return sha256(text.encode()).hexdigest()[:8]


def repeated(ids: Iterable[int]) -> list[int]:
    """Those of *ids* that occur more than once, in the order of their first occurrence."""
    return [apic_id for apic_id, count in Counter(ids).items() if count > 1]


def ranges(ids: tuple[int, ...]) -> Iterator[str]:
    """Numbers in their order, consecutive ones as ``0-7``."""
    start = 0
    for end in range(1, len(ids) + 1):
        if end == len(ids) or ids[end] != ids[end - 1] + 1:
            yield str(ids[start]) if end - start == 1 else f"{ids[start]}-{ids[end - 1]}"
            start = end
