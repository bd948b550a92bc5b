"""
The host's fingerprint for timed runs, and advice that makes their timing steadier.

It reads only /proc and /sys: it opens no device, runs no command and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pvbench.host.cpuinfo import CPUINFO, CpuInfo, read_or_empty
from pvbench.host.files import read_regular

_LARGEST: Final = 1 << 16  # bytes of a file of one fact; sysfs has at most a page
UNKNOWN: Final = "unknown"  # the kernel does not show it
NONE: Final = "none"  # the kernel shows that there is none

# The parameters of KVM that decide how it delivers an IPI or lets a vCPU halt.
_OF_IPIS: Final = frozenset(
    {
        *("halt_poll_ns", "pv_ipi_abi"),
        *("avic", "enable_apicv", "enable_ipiv", "nrips", "npt", "ept"),
    }
)
_SWITCH: Final = {"0": "off", "1": "on"}
_ASLR: Final = {"0": "off", "1": "partial", "2": "full"}

# Advice for each fact that has another value than the steady one.
_ADVICE: Final = {
    ("nested", "no"): "This machine runs inside a hypervisor, which can preempt its CPUs "
    "without notice: use bare metal, or more boots.",
    ("governor", "performance"): "The CPU frequency governor is {}: "
    "`python -m pyperf system tune` sets performance.",
    ("turbo", "off"): "Turbo is {}, so the CPU frequency depends on heat and load: "
    "`python -m pyperf system tune` turns it off on Intel; "
    "elsewhere write 0 to /sys/devices/system/cpu/cpufreq/boost.",
    ("clocksource", "tsc"): "The clock source is {}; reading it may cause an exit or access "
    "a slow device: write tsc to "
    "/sys/devices/system/clocksource/clocksource0/current_clocksource.",
    ("kvm.halt_poll_ns", "0"): "KVM polls up to {} ns before a halted vCPU blocks, which hides "
    "the cost of halts: set /sys/module/kvm/parameters/halt_poll_ns to 0.",
    ("aslr", "full"): "ASLR is {}, so all processes have similar memory layouts, which biases "
    "every run the same way: `python -m pyperf system tune` makes it full.",
}
_SHARED_CORES: Final = (
    "SMT is on and no CPU is isolated, so vCPUs share cores with siblings and other tasks: "
    "write off to /sys/devices/system/cpu/smt/control, or boot with isolcpus=."
)
_ONE_CPU: Final = (
    "This process may use fewer than 2 CPUs, so sender and target cannot run at the same "
    "time: allow it more with taskset or its cpuset."
)


def facts(root: Path = Path("/")) -> dict[str, str]:
    """Return all facts in a fixed order; those the kernel does not show are ``unknown``."""
    return _identity(root) | _capabilities(root) | _tuning(root)


def kvm_key(root: Path = Path("/")) -> str:
    """Return a SHA-256 in hex that identifies this host in the cache of probe results."""
    return hashlib.sha256(json.dumps(_identity(root)).encode()).hexdigest()


def advice(root: Path = Path("/")) -> list[str]:
    """Return one sentence for each setting known to make timing less steady here."""
    settings = facts(root)
    sentences = [
        sentence.format(settings[name])
        for (name, steady), sentence in _ADVICE.items()
        if settings.get(name, UNKNOWN) not in (steady, UNKNOWN)
    ]
    if settings["smt"] == "on" and settings["isolated_cpus"] == NONE:
        sentences.append(_SHARED_CORES)
    if len(usable_cpus()) < 2:
        sentences.append(_ONE_CPU)
    return sentences


def is_minor(fact: str) -> bool:
    """Whether *fact* is a parameter of KVM that IPIs do not depend on."""
    module, _, parameter = fact.partition(".")
    return module.startswith("kvm") and parameter not in ("", *_OF_IPIS)


def usable_cpus() -> tuple[int, ...]:
    """Numbers of the CPUs that this process may run on, ascending."""
    return tuple(sorted(os.sched_getaffinity(0)))


def _cpuinfo(root: Path) -> CpuInfo:
    return read_or_empty(root / CPUINFO.relative_to("/"))


def _identity(root: Path) -> dict[str, str]:
    """Facts that decide which mechanisms work; `kvm_key` hashes them."""
    cpuinfo = _cpuinfo(root)
    return {
        "cpu_model": _distinct(cpuinfo, "model name"),
        "microcode": _distinct(cpuinfo, "microcode"),
        "kernel_release": _line(root / "proc/sys/kernel/osrelease"),
        "kernel_version": _line(root / "proc/sys/kernel/version"),
        **_kvm(root / "sys/module"),
    }


def _kvm(modules: Path) -> dict[str, str]:
    """Facts of KVM's modules, and each of their parameters as ``module.parameter``."""
    loaded = _names(modules)
    kvm_modules = [name for name in loaded if name.startswith("kvm")]
    parameters = {"kvm_modules": (", ".join(kvm_modules) or NONE) if loaded else UNKNOWN}
    for module in kvm_modules:
        folder = modules / module / "parameters"
        parameters |= {f"{module}.{name}": _line(folder / name) for name in _names(folder)}
    return parameters


def _capabilities(root: Path) -> dict[str, str]:
    """Capabilities of the CPU, from its flags."""
    flags = _cpuinfo(root).flags
    hardware = ", ".join(sorted({"vmx", "svm"} & flags)) or "software (no vmx or svm flag)"
    return {
        "nested": _flag(flags, "hypervisor"),
        "virtualization": hardware if flags else UNKNOWN,
        "constant_tsc": _flag(flags, "constant_tsc"),
        "nonstop_tsc": _flag(flags, "nonstop_tsc"),
    }


def _tuning(root: Path) -> dict[str, str]:
    """Settings that an administrator may change."""
    devices = root / "sys/devices/system"
    cpu = devices / "cpu"
    return {
        "clocksource": _line(devices / "clocksource/clocksource0/current_clocksource"),
        "smt": _word(cpu / "smt/active", _SWITCH),
        "governor": _governors(cpu),
        "turbo": _turbo(cpu),
        "isolated_cpus": _cpu_list(cpu / "isolated"),
        "nohz_full": _cpu_list(cpu / "nohz_full"),
        **_vulnerabilities(cpu / "vulnerabilities"),
        "transparent_hugepages": _selected(root / "sys/kernel/mm/transparent_hugepage/enabled"),
        "aslr": _word(root / "proc/sys/kernel/randomize_va_space", _ASLR),
    }


def _distinct(cpuinfo: CpuInfo, name: str) -> str:
    """The values of the field *name* over all CPUs, each one once."""
    return ", ".join(sorted(set(cpuinfo.values(name)))) or UNKNOWN


def _flag(flags: frozenset[str], name: str) -> str:
    return ("yes" if name in flags else "no") if flags else UNKNOWN


def _governors(cpu: Path) -> str:
    """The governors in use, each one once; CPUs that are offline have none."""
    cpus = [name for name in _names(cpu) if re.fullmatch(r"cpu[0-9]+", name)]
    governors = {_line(cpu / name / "cpufreq/scaling_governor") for name in cpus} - {UNKNOWN}
    return ", ".join(sorted(governors)) or UNKNOWN


def _turbo(cpu: Path) -> str:
    """The state of turbo, from Intel's driver or else from any other."""
    intel = _word(cpu / "intel_pstate/no_turbo", {"0": "on", "1": "off"})
    return _word(cpu / "cpufreq/boost", _SWITCH) if intel == UNKNOWN else intel


def _vulnerabilities(folder: Path) -> dict[str, str]:
    """The vulnerabilities that affect this CPU, and the mitigation of each."""
    statuses = {name: _line(folder / name) for name in _names(folder)}
    affecting = {name: text for name, text in statuses.items() if text != "Not affected"}
    return {
        "vulnerabilities": (", ".join(affecting) or NONE) if statuses else UNKNOWN,
        **{f"vulnerability.{name}": text for name, text in affecting.items()},
    }


def _cpu_list(path: Path) -> str:
    """CPU numbers; an empty list is an empty line, and ``(null)`` in older kernels."""
    return NONE if _text(path) in ("", "(null)") else _line(path)


def _selected(path: Path) -> str:
    """The word in brackets in a line such as ``always [madvise] never``."""
    match = re.search(r"\[(\w+)\]", _text(path) or "")
    return match[1] if match else UNKNOWN


def _word(path: Path, words: Mapping[str, str]) -> str:
    return words.get(_text(path) or "", UNKNOWN)


def _line(path: Path) -> str:
    return " ".join((_text(path) or "").split()) or UNKNOWN


def _text(path: Path) -> str | None:
    """The stripped text of *path*; None if it cannot be read for any reason."""
    try:
        return read_regular(path, _LARGEST).decode().strip()
    except (OSError, UnicodeError):
        return None


def _names(folder: Path) -> list[str]:
    """Names in *folder* in alphabetical order; none if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
