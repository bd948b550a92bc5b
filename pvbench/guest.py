"""
The guest: which APIC IDs its CPUs have, and what it boots with.

CPU number and APIC ID are different things; `Guest.apic_ids` is the map,
in CPU-number order.  Everything a boot depends on is in `Guest`, so equal
guests share a boot.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.validators import integer, ints, one_of
from pvbench.x86.apic import X2APIC_BROADCAST

_LONGEST_IDS: Final = 80
MAX_VCPUS: Final = 65_536  # KVM stops at 4096; beyond this nobody has asked

APIC_MODES: Final = ("xapic", "x2apic")
# What answers this guest's hypercalls.  KVM_HC_SEND_IPI never had two meanings
# in one host, so the proposals of 2018 need hosts of their own.
HYPERCALL_ABIS: Final = (
    "kvm",
    "kvm-v3",
    "kvm-cluster128",
    "kvm-cluster192",
    "hyperv",
    "xen",
)
FORMS: Final = "N, dense:N, sockets:SxCxT, sparse:N:STEP, interleaved:N, ids:A,B-C,... or host"


@attrs.frozen(kw_only=True)
class Guest:
    """
    The boot key: topology, APIC mode, hypercall ABI and VM capabilities.

    Args:
        name: the topology as the user wrote it, e.g. ``dense:80``.
        apic_ids: APIC ID of each CPU, in CPU-number order.
        apic_mode: mode every local APIC is in.
        hypercall_abi: what the hypervisor makes of this guest's hypercalls.
        bits: word size of the guest kernel; KVM cuts hypercall registers to it.
        host_cpus: host CPUs the vCPUs share; None is one for each vCPU.
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

    @apic_ids.validator
    def _check_apic_ids(self, _: object, ids: tuple[int, ...]) -> None:
        if not 1 <= len(ids) <= MAX_VCPUS:
            raise ValueError(f"a guest has 1 to {MAX_VCPUS} CPUs, not {len(ids)}")
        for apic_id in ids:
            if type(apic_id) is not int or not 0 <= apic_id < X2APIC_BROADCAST:
                raise ValueError(
                    f"APIC ID {apic_id!r} is outside 0..{X2APIC_BROADCAST - 1:#x}: "
                    f"it has 32 bits, and the last value means broadcast"
                )
        if len(set(ids)) != len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            raise ValueError(f"APIC ID {twice} is given to two CPUs")

    @bits.validator
    def _check_bits(self, _: object, bits: int) -> None:
        if type(bits) is not int or bits not in (32, 64):
            raise ValueError(f"Guest.bits is {bits!r}, not 32 or 64")

    @property
    def cpus(self) -> range:
        """CPU numbers of the guest."""
        return range(len(self.apic_ids))

    @property
    def ids_text(self) -> str:
        """The APIC IDs as ranges, in CPU-number order; a long list is cut and hashed."""
        text = ",".join(_ranges(self.apic_ids))
        if len(text) <= _LONGEST_IDS:
            return text
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{text[: _LONGEST_IDS // 2]}... #{digest}"

    def others(self, cpu: int) -> tuple[int, ...]:
        """Every CPU but *cpu*, in CPU-number order."""
        return tuple(c for c in self.cpus if c != cpu)


def _ranges(ids: tuple[int, ...]) -> Iterator[str]:
    start = 0
    for end in range(1, len(ids) + 1):
        if end == len(ids) or ids[end] != ids[end - 1] + 1:
            yield str(ids[start]) if end - start == 1 else f"{ids[start]}-{ids[end - 1]}"
            start = end


def dense(count: int) -> tuple[int, ...]:
    """APIC IDs 0..count-1."""
    return tuple(range(count))


def sockets(packages: int, cores: int, threads: int) -> tuple[int, ...]:
    """
    APIC IDs whose core and thread fields are padded to powers of two.

    CPU numbers run over threads, then cores, then packages.
    Source: Intel SDM vol. 3, "Hierarchical Mapping of Shared Resources".
    """
    thread_bits = (threads - 1).bit_length()
    core_bits = (cores - 1).bit_length()
    return tuple(
        p << core_bits + thread_bits | c << thread_bits | t
        for p in range(packages)
        for c in range(cores)
        for t in range(threads)
    )


def sparse(count: int, step: int) -> tuple[int, ...]:
    """Every *step*-th APIC ID, from 0."""
    return tuple(range(0, count * step, step))


def interleaved(count: int) -> tuple[int, ...]:
    """
    Low and high APIC IDs in turn: 0, 128, 1, 129, ...

    The order that breaks the sliding window of KVM_HC_SEND_IPI at every CPU.
    """
    half = (count + 1) // 2
    high = max(128, 1 << (half - 1).bit_length())
    return tuple(i // 2 + high * (i % 2) for i in range(count))


def explicit(text: str) -> tuple[int, ...]:
    """APIC IDs from ``1,128,0`` or ``0-79,128-255``, order kept."""
    ids: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if match is None:
            raise UsageError(
                f"{part!r} is no APIC ID", fix="Write numbers and ranges, like 0-79,128."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if abs(last - first) >= MAX_VCPUS:
            raise UsageError(f"{part} names more than {MAX_VCPUS} APIC IDs")
        step = 1 if last >= first else -1
        ids.extend(range(first, last + step, step))
    return tuple(ids)


def host(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[int, ...]:
    """APIC IDs of this machine's online CPUs, from the kernel's cpuinfo."""
    try:
        text = cpuinfo.read_text()
    except OSError as error:
        raise UsageError(
            f"{cpuinfo} cannot be read: {error.strerror}", fix="Give --guest dense:N."
        ) from None
    ids = tuple(int(i) for i in re.findall(r"^apicid\s*:\s*(\d+)", text, re.MULTILINE))
    if not ids:
        raise UsageError(
            f"{cpuinfo} lists no apicid",
            why="this is not an x86 machine",
            fix="Give --guest dense:N.",
        )
    return ids


# pattern, maker, how many leading numbers multiply to the CPU count
_FORMS: Final[list[tuple[str, Callable[..., tuple[int, ...]], int]]] = [
    (r"(?:dense:)?(\d+)", dense, 1),
    (r"sockets:(\d+)x(\d+)x(\d+)", sockets, 3),
    (r"sparse:(\d+):(\d+)", sparse, 1),
    (r"interleaved:(\d+)", interleaved, 1),
]


def _made(
    make: Callable[..., tuple[int, ...]], counted: int, numbers: list[int]
) -> tuple[int, ...]:
    if not 1 <= math.prod(numbers[:counted]) <= MAX_VCPUS:
        raise ValueError(f"a guest has 1 to {MAX_VCPUS} CPUs")
    if 0 in numbers:
        raise ValueError("a step of 0 gives every CPU the same APIC ID")
    return make(*numbers)


def apic_ids(spec: str) -> tuple[int, ...]:
    """The APIC IDs a topology specification stands for."""
    if spec == "host":
        return host()
    if spec.startswith("ids:"):
        return explicit(spec.removeprefix("ids:"))
    for pattern, make, counted in _FORMS:
        if match := re.fullmatch(pattern, spec):
            return _made(make, counted, [int(number) for number in match.groups()])
    raise UsageError(f"{spec!r} is no topology", fix=f"Forms: {FORMS}.")


def parse_guest(spec: str, *, host_cpus: int | None = None, bits: int = 64) -> Guest:
    """The x2APIC guest of a topology specification (see `FORMS`)."""
    name = f"dense:{spec}" if spec.isdigit() else spec
    try:
        return Guest(name=name, apic_ids=apic_ids(spec), host_cpus=host_cpus, bits=bits)
    except ValueError as error:
        raise UsageError(f"no such guest as {spec!r}", why=str(error)) from None
