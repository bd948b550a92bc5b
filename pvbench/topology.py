"""Topologies: the APIC IDs of the CPUs of a guest, from a short specification."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pvbench.errors import UsageError
from pvbench.guest import MAX_VCPUS, Guest, HostIds, repeated

_NUMBER: Final = "[0-9]{1,12}"  # longer ones are no APIC IDs, and take time to convert
FORMS: Final = "N, dense:N, sockets:SxCxT, sparse:N:STEP, interleaved:N, ids:A,B-C,... or host"


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
        match = re.fullmatch(rf"({_NUMBER})(?:-({_NUMBER}))?", part.strip(" "))
        if match is None:
            raise UsageError(
                f"{part!r} is not an APIC ID", fix="Use numbers and ranges, such as 0-79,128."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if len(ids) + abs(last - first) >= MAX_VCPUS:
            raise UsageError(f"a list of APIC IDs has more than {MAX_VCPUS} of them")
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
        why = f"it gives APIC ID {repeated(ids)[0]} to more than one CPU"
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
    (rf"(?:dense:)?({_NUMBER})", dense, 1),
    (rf"sockets:({_NUMBER})x({_NUMBER})x({_NUMBER})", sockets, 3),
    (rf"sparse:({_NUMBER}):({_NUMBER})", sparse, 1),
    (rf"interleaved:({_NUMBER})", interleaved, 1),
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
