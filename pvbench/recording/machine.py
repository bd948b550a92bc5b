"""The machine that was traced: its CPUs, their APIC IDs, and whether it is emulated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.guest import listed
from pvbench.host import cpuinfo
from pvbench.recording.notices import Notices
from pvbench.recording.recording import is_emulated
from pvbench.recording.sets import MOST_CPUS

_FIX: Final = "Give --cpuinfo the text of /proc/cpuinfo of the machine that was traced."


@attrs.frozen(kw_only=True)
class Machine:
    """See `pvbench.recording.recording.Recording`."""

    cpus: int
    times: str
    online: tuple[int, ...] = ()
    apic_ids: Mapping[int, int] = MappingProxyType({})
    notes: tuple[str, ...] = ()


def machine_of(path: Path | None, used: set[int], notices: Notices) -> Machine:
    """
    The machine that the trace and the text of /proc/cpuinfo at *path* show.

    Args:
        path: None if the user does not give it.
        used: the CPUs that send or receive in the trace.
        notices: what the trace says.

    Raises:
        UsageError: the text of /proc/cpuinfo is of another machine.
    """
    cpus = max(notices.cpus, max(used, default=0) + 1)
    if path is None:
        return Machine(cpus=cpus, times=_times(notices.model))
    info = _read(path)
    numbers = info.numbers("processor")
    if why := next(_differences(info, numbers, used, notices), ""):
        raise UsageError(
            f"{path} is not of the machine that was traced",
            why=why,
            fix=_FIX,
        )
    offline = tuple(sorted({*range(cpus)} - {*numbers}))
    note = f"CPUs that {path} does not list are taken as offline: {listed(offline)}."
    return Machine(
        cpus=max(cpus, *(number + 1 for number in numbers)),
        times=_times(next(iter(info.values("model name")), notices.model)),
        online=numbers,
        apic_ids=dict(zip(numbers, info.numbers("apicid"), strict=True)),
        notes=(note,) if offline else (),
    )


def _read(path: Path) -> cpuinfo.CpuInfo:
    try:
        return cpuinfo.read_with_ids(path)
    except UsageError as error:
        raise UsageError(error.what, why=error.why, fix=_FIX) from None


def _times(model: str) -> str:
    if not model:
        return "unknown"
    return "emulated" if is_emulated(model) else "real"


def _differences(
    info: cpuinfo.CpuInfo, numbers: tuple[int, ...], used: set[int], notices: Notices
) -> Iterator[str]:
    """Why the text cannot be of the machine that was traced."""
    if max(numbers, default=0) >= MOST_CPUS or len(set(numbers)) < len(numbers):
        yield "its CPU numbers are not those of a machine"
    if missing := sorted(used - {*numbers}):
        yield f"it lists {len(numbers)} CPUs, and CPU {missing[0]} is in the trace"
    if notices.cpus and len(numbers) > notices.cpus:
        yield f"it lists {len(numbers)} CPUs, and the trace is of {notices.cpus}"
    models = info.values("model name")
    if notices.model and models and models[0] != notices.model:
        yield f"its CPUs are {models[0]!r}, and those of the trace {notices.model!r}"
