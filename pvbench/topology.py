"""Topologies: the CPUs of a guest, from a short specification."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from os.path import isfile
from pathlib import Path
from typing import Final

import attrs

from pvbench import id_lists
from pvbench.errors import UsageError
from pvbench.guest import MAX_VCPUS, Guest, HostIds, hash_of, ranges
from pvbench.layouts import Layout, dense, interleaved, sockets, sparse, threads_last
from pvbench.topology_forms import in_words

_NUMBER: Final = "[0-9]{1,12}"  # longer ones are no APIC IDs, and take time to convert
_THREADS_LAST: Final = "threads-last"
_FLAGS: Final = (_THREADS_LAST, "nox2apic", "intremap")
# What may follow any form, with the noun of its numbers.
_OPTIONS: Final = {"offline": "CPU number", "logical": "logical ID", "vp": "VP index"}
_OPTION: Final = re.compile(
    rf"(.+)\+(?:({'|'.join(_FLAGS)})|({'|'.join(_OPTIONS)}):([0-9a-fA-Fx,/ -]*))", re.DOTALL
)
_LONGEST_NAME: Final = 40  # of a guest, in characters; the names of cases contain it
_LONGEST_FORM: Final = 100_000  # characters that a result file can hold
_HASH: Final = "#"  # only a shortened name contains it


def host_ids() -> HostIds:
    """The APIC IDs of this machine's online CPUs, or why the kernel does not show them."""
    from pvbench.host.cpuinfo import CPUINFO  # no worker needs it

    return host_ids_in(CPUINFO)


def host_ids_in(path: Path) -> HostIds:
    """The APIC IDs of the online CPUs in the text of /proc/cpuinfo at *path*, or why not."""
    from pvbench.host.cpuinfo import read_with_ids

    try:
        return HostIds(read_with_ids(path).numbers("apicid"), "")
    except UsageError as error:
        return HostIds(reason=f"{error.what}: {error.why}")


def _cpuinfo(path: Path) -> Layout:
    from pvbench.host.cpuinfo import read_with_ids

    info = read_with_ids(path)
    return Layout(info.numbers("apicid"), info.sockets)


def _madt(path: Path) -> Layout:
    from pvbench.host import madt

    return Layout(madt.apic_ids(path))


_FILES: Final[dict[str, Callable[[Path], Layout]]] = {"cpuinfo": _cpuinfo, "madt": _madt}

# pattern, function, how many leading numbers multiply to the CPU count
_FORMS: Final[list[tuple[str, Callable[..., Layout], int]]] = [
    (rf"(?:dense:)?({_NUMBER})", dense, 1),
    *(
        (rf"sockets:({_NUMBER}){rf'x({_NUMBER})' * levels}", sockets, levels + 1)
        for levels in (2, 3, 4)
    ),
    (rf"sparse:({_NUMBER}):({_NUMBER})", sparse, 1),
    (rf"interleaved:({_NUMBER})", interleaved, 1),
]


def _checked(form: Callable[..., Layout], factors: int, numbers: list[int]) -> Layout:
    if not 1 <= math.prod(numbers[:factors]) <= MAX_VCPUS:
        raise ValueError(f"a guest has 1 to {MAX_VCPUS} CPUs")
    if 0 in numbers:
        raise ValueError("a step of 0 gives every CPU the same APIC ID")
    return form(*numbers)


def _layout(spec: str, of_host: HostIds | None) -> Layout:
    """The layout that *spec* names."""
    if spec == "host":
        return Layout(_ids_of(of_host or host_ids()))
    form, colon, rest = spec.partition(":")
    if colon and form in _FILES:
        if not rest:
            raise UsageError(f"{spec!r} names no file", fix=f"Use {form}:FILE.")
        return _FILES[form](Path(rest))
    if form == "ids" and colon:
        return Layout(id_lists.parsed(rest))
    for pattern, function, factors in _FORMS:
        if match := re.fullmatch(pattern, spec):
            return _checked(function, factors, [int(number) for number in match.groups()])
    fix = (
        f"Use cpuinfo:{spec} or madt:{spec}." if isfile(spec) else f"Use one of: {in_words()}."
    )
    raise UsageError(f"{spec!r} is not a topology", fix=fix)


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
    Return the x2APIC guest of a topology specification (see `pvbench.topology_forms`).

    The guest ``host`` has the APIC IDs of *of_host*, or of this machine without it.
    """
    base, options = _split(spec)
    try:
        layout = _layout(base, of_host)
        if _THREADS_LAST in options:
            layout = threads_last(layout)
        guest = Guest(
            name=_short(base, layout.apic_ids) + spec.removeprefix(base),
            apic_ids=layout.apic_ids,
            sockets=layout.sockets,
            host_cpus=host_cpus,
            bits=bits,
            logical_ids=_unless(layout.apic_ids, options.get("logical", ())),
            vp_indexes=_unless(range(len(layout.apic_ids)), options.get("vp", ())),
            offline=sorted(options.get("offline", ())),
            x2apic="nox2apic" not in options,
            intremap="intremap" in options,
        )
    except ValueError as error:
        raise UsageError(f"invalid guest {spec!r}", why=str(error)) from None
    return attrs.evolve(guest, name=_cut(guest))


def _split(spec: str) -> tuple[str, dict[str, tuple[int, ...]]]:
    """The form of a layout, and the numbers of the options after it."""
    options: dict[str, tuple[int, ...]] = {}
    while match := _OPTION.fullmatch(spec):
        spec, flag, listed, numbers = match.groups()
        name = flag or listed
        if name in options:
            raise UsageError(f"{name} is given twice", fix=f"Give +{name} once.")
        options[name] = () if flag else id_lists.parsed(numbers, _OPTIONS[name])
    return spec, options


def _unless(usual: Sequence[int], numbers: tuple[int, ...]) -> tuple[int, ...]:
    """*numbers*, or none if each CPU has its *usual* one."""
    return () if numbers == tuple(usual) else numbers


def _short(base: str, apic_ids: tuple[int, ...]) -> str:
    """The name of a layout; that of a file or a long list has a hash of the APIC IDs."""
    form, _, rest = base.partition(":")
    if form in _FILES:
        head = re.sub(r"[^A-Za-z0-9_.,:+-]+", "-", f"{form}:{Path(rest).stem}")
    elif len(base) <= _LONGEST_NAME:
        return f"dense:{base}" if base.isdigit() else base
    else:
        head = f"ids:{len(apic_ids)}-cpus" if form == "ids" else base
    end = _HASH + hash_of(",".join(ranges(apic_ids)))
    return head[: _LONGEST_NAME - len(end)] + end


def _cut(guest: Guest) -> str:
    """The name of *guest*; if its options make it too long, with a hash of all numbers."""
    if len(guest.name) <= _LONGEST_NAME:
        return guest.name
    end = _HASH + hash_of(_form(guest))
    return guest.name.replace(_HASH, "-")[: _LONGEST_NAME - len(end)] + end


def form_of(guest: Guest) -> str | None:
    """The specification of a guest whose name is shortened; None if its name is one."""
    if _HASH not in guest.name:
        return None
    form = _form(guest)
    return form if len(form) <= _LONGEST_FORM else None


def _form(guest: Guest) -> str:
    lists = {"offline": guest.offline, "logical": guest.logical_ids, "vp": guest.vp_indexes}
    options = (f"+{name}:{id_lists.written(ids)}" for name, ids in lists.items() if ids)
    flags = {"+nox2apic": not guest.x2apic, "+intremap": guest.intremap}
    chosen = (flag for flag, is_set in flags.items() if is_set)
    return "".join((f"ids:{id_lists.written(guest.apic_ids)}", *options, *chosen))
