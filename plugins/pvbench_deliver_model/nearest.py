"""The bundled cost profile that is nearest to a machine, by its processor and its KVM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pvbench.host.cpuinfo import CPUINFO, CpuInfo, read_or_empty
from pvbench.host.files import read_regular

_PARAMETERS: Final = Path("/sys/module")
Parameter = Callable[[str], str]


def nearest(cpuinfo: CpuInfo | None = None, parameter: Parameter | None = None) -> str:
    """
    Name the nearest cost profile and say why, or say why there is none.

    Args:
        cpuinfo: of the machine; None reads that of this one.
        parameter: gives the value of a parameter such as ``kvm_amd/avic``, '' if KVM shows
            none; None reads those of this machine.
    """
    cpuinfo = read_or_empty(CPUINFO) if cpuinfo is None else cpuinfo
    by_processor = _by_processor(cpuinfo, parameter or _parameter)
    if "hypervisor" in cpuinfo.flags:
        return f"unknown, because this machine is a guest; by its processor {by_processor}"
    return by_processor


def _by_processor(cpuinfo: CpuInfo, parameter: Parameter) -> str:
    vendor = next(iter(cpuinfo.values("vendor_id")), "")
    family, model = (
        next(iter(cpuinfo.numbers(name)), None) for name in ("cpu family", "model")
    )
    if vendor == "GenuineIntel" and family == 6:
        return _intel(model, parameter)
    if vendor in ("AuthenticAMD", "HygonGenuine"):
        return _amd(family, model, parameter)
    return "none, because no cost profile is of its vendor and family"


def _intel(model: int | None, parameter: Parameter) -> str:
    if model == 85:
        return "skylake-fastpath, of the same model as Skylake servers"
    if model in (143, 207):
        if parameter("kvm_intel/enable_ipiv") == "N":
            return "skylake-fastpath, because KVM's IPI virtualization is off"
        return "sapphire-rapids-ipiv, of a Xeon with IPI virtualization"
    return f"none, because no cost profile is of Intel model {model}"


def _amd(family: int | None, model: int | None, parameter: Parameter) -> str:
    is_on = parameter("kvm_amd/avic") in ("Y", "1")
    if family in (0x17, 0x18):
        if is_on:
            return "epyc-rome-avic, of the family 17h with AVIC on, for xAPIC guests"
        return "epyc-rome, of the family 17h with AVIC off"
    is_zen4 = family == 0x19 and model is not None and (0x10 <= model < 0x20 or model >= 0x60)
    if is_zen4 or (family or 0) > 0x19:
        if is_on:
            return "epyc-genoa-x2avic, of Zen 4 with AVIC on"
        return "epyc-rome, because AVIC is off; its exits are of an older EPYC"
    return f"none, because no cost profile is of AMD family {family}, model {model}"


def _parameter(name: str) -> str:
    module, _, parameter = name.partition("/")
    try:
        text = read_regular(_PARAMETERS / module / "parameters" / parameter, 1 << 12)
    except OSError:
        return ""
    return text.decode(errors="replace").strip()
