"""
The guest: the APIC IDs of its CPUs, and everything else that its boot depends on.

A CPU number is not an APIC ID; `Guest.apic_ids` maps CPU numbers to APIC IDs.
Equal guests share a boot.
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
FORMS: Final = "N, dense:N, sockets:SxCxT, sparse:N:STEP, interleaved:N, ids:A,B-C,... or host"


@attrs.frozen(kw_only=True)
class Guest:
    """
    The boot key: topology, APIC mode, hypercall ABI and VM capabilities.

    Args:
        name: the topology as the user wrote it, e.g. ``dense:80``.
        apic_ids: APIC ID of each CPU, in CPU-number order.
        apic_mode: mode of all local APICs.
        hypercall_abi: interface that answers the guest's hypercalls, from HYPERCALL_ABIS.
        bits: word size of the guest kernel; KVM truncates hypercall registers to it.
        host_cpus: number of host CPUs that the vCPUs share; None means one per vCPU.
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
                    f"an APIC ID has 32 bits, and the highest value means broadcast"
                )
        if len(set(ids)) != len(ids):
            raise ValueError(f"APIC ID {_repeated(ids)} is given to two CPUs")

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
        """The APIC IDs as ranges in CPU-number order; a long text ends with a hash instead."""
        text = ",".join(ranges(self.apic_ids))
        if len(text) <= _LONGEST_IDS:
            return text
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{text[: _LONGEST_IDS // 2]}... #{digest}"

    def others(self, cpu: int) -> tuple[int, ...]:
        """All CPUs except *cpu*, in CPU-number order."""
        return tuple(other for other in self.cpus if other != cpu)


@attrs.frozen
class HostIds:
    """
    APIC IDs of a host's online CPUs in the kernel's order, for the guest ``host``.

    Args:
        reason: why there are none.
    """

    ids: tuple[int, ...] = attrs.field(default=(), converter=ints)
    reason: str = "no site was asked for them"


def _repeated(ids: tuple[int, ...]) -> int:
    """The first of *ids* that occurs more than once."""
    return next(apic_id for apic_id in ids if ids.count(apic_id) > 1)


def ranges(ids: tuple[int, ...]) -> Iterator[str]:
    """Numbers in their order, consecutive ones as ``0-7``."""
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
    """Every *step*-th APIC ID from 0 on."""
    return tuple(range(0, count * step, step))


def interleaved(count: int) -> tuple[int, ...]:
    """
    Alternate low and high APIC IDs: 0, 128, 1, 129, ...

    This order makes the sliding window of KVM_HC_SEND_IPI end at every second CPU.
    """
    half = (count + 1) // 2
    high = max(128, 1 << (half - 1).bit_length())
    return tuple(i // 2 + high * (i % 2) for i in range(count))


def explicit(text: str) -> tuple[int, ...]:
    """APIC IDs listed as in ``1,128,0`` or ``0-79,128-255``, in that order."""
    ids: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if match is None:
            raise UsageError(
                f"{part!r} is not an APIC ID", fix="Use numbers and ranges, such as 0-79,128."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if abs(last - first) >= MAX_VCPUS:
            raise UsageError(f"{part} names more than {MAX_VCPUS} APIC IDs")
        step = 1 if last >= first else -1
        ids.extend(range(first, last + step, step))
    return tuple(ids)


def host(path: Path | None = None) -> tuple[int, ...]:
    """
    APIC IDs of this machine's online CPUs, from the kernel's cpuinfo.

    Raises:
        UsageError: the kernel does not show the APIC ID of each CPU.
    """
    from pvbench.host.cpuinfo import CPUINFO, read  # no worker needs it

    path, fix = path or CPUINFO, "Use --guest dense:N."
    try:
        cpuinfo = read(path)
    except OSError as error:
        raise UsageError(f"cannot read {path}", why=str(error.strerror), fix=fix) from None
    ids = cpuinfo.numbers("apicid")
    if not ids:
        why = (
            "its kernel was built without SMP" if cpuinfo.flags else "it is not an x86 machine"
        )
        raise UsageError(f"{path} lists no APIC IDs of this machine", why=why, fix=fix)
    if len(set(ids)) < len(ids):
        why = f"it gives APIC ID {_repeated(ids)} to more than one CPU"
        raise UsageError(f"{path} does not show the real APIC IDs", why=why, fix=fix)
    return ids


def host_ids() -> HostIds:
    """The APIC IDs of this machine's online CPUs, or why the kernel does not show them."""
    try:
        return HostIds(host(), "")
    except UsageError as error:
        return HostIds(reason=f"{error.what}: {error.why}")


# pattern, function, how many leading numbers multiply to the CPU count
_FORMS: Final[list[tuple[str, Callable[..., tuple[int, ...]], int]]] = [
    (r"(?:dense:)?(\d+)", dense, 1),
    (r"sockets:(\d+)x(\d+)x(\d+)", sockets, 3),
    (r"sparse:(\d+):(\d+)", sparse, 1),
    (r"interleaved:(\d+)", interleaved, 1),
]


def _checked(
    form: Callable[..., tuple[int, ...]], factors: int, numbers: list[int]
) -> tuple[int, ...]:
    if not 1 <= math.prod(numbers[:factors]) <= MAX_VCPUS:
        raise ValueError(f"a guest has 1 to {MAX_VCPUS} CPUs")
    if 0 in numbers:
        raise ValueError("a step of 0 gives every CPU the same APIC ID")
    return form(*numbers)


def apic_ids(spec: str, of_host: HostIds | None = None) -> tuple[int, ...]:
    """Return the APIC IDs of a topology; ``host`` has those of this machine or *of_host*."""
    if spec == "host":
        return host() if of_host is None else _ids_of(of_host)
    if spec.startswith("ids:"):
        return explicit(spec.removeprefix("ids:"))
    for pattern, form, factors in _FORMS:
        if match := re.fullmatch(pattern, spec):
            return _checked(form, factors, [int(number) for number in match.groups()])
    raise UsageError(f"{spec!r} is not a topology", fix=f"Use one of: {FORMS}.")


def _ids_of(of_host: HostIds) -> tuple[int, ...]:
    if of_host.ids:
        return of_host.ids
    raise UsageError(
        "the site gives no APIC IDs for --guest host",
        why=of_host.reason,
        fix="Use --guest dense:N.",
    )


def parse_guest(
    spec: str,
    *,
    host_cpus: int | None = None,
    bits: int = 64,
    of_host: HostIds | None = None,
) -> Guest:
    """
    Return the x2APIC guest of a topology specification (see `FORMS`).

    The guest ``host`` has the APIC IDs of *of_host*, or of this machine without it.
    """
    name = f"dense:{spec}" if spec.isdigit() else spec
    try:
        ids = apic_ids(spec, of_host)
        return Guest(name=name, apic_ids=ids, host_cpus=host_cpus, bits=bits)
    except ValueError as error:
        raise UsageError(f"invalid guest {spec!r}", why=str(error)) from None
