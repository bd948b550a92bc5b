"""
The host's fingerprint for timed runs, and what would make their timing steadier.

From /proc and /sys alone: no device is opened, nothing is run and nothing is changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"  # the kernel does not tell
NONE: Final = "none"  # the kernel tells that there is none

_SWITCH: Final = {"0": "off", "1": "on"}
_ASLR: Final = {"0": "off", "1": "partial", "2": "full"}

# What to say where a fact is known and is not its steady value.
_ADVICE: Final = {
    ("nested", "no"): "This machine runs inside a hypervisor, which takes CPUs away unseen: "
    "use bare metal, or more boots.",
    ("governor", "performance"): "The CPU frequency governor is {}: "
    "`python -m pyperf system tune` sets performance.",
    ("turbo", "off"): "Turbo is {}, so CPU frequency follows heat and load: "
    "`python -m pyperf system tune` turns it off on Intel; "
    "elsewhere write 0 to /sys/devices/system/cpu/cpufreq/boost.",
    ("clocksource", "tsc"): "The clock source is {}, which may cost an exit or a slow device "
    "to read: write tsc to "
    "/sys/devices/system/clocksource/clocksource0/current_clocksource.",
    ("kvm.halt_poll_ns", "0"): "KVM polls up to {} ns before a halted vCPU sleeps, which hides "
    "what halts cost: set /sys/module/kvm/parameters/halt_poll_ns to 0.",
    ("aslr", "full"): "ASLR is {}, so processes share a memory layout, lucky or not: "
    "`python -m pyperf system tune` makes it full.",
}
_SHARED: Final = (
    "SMT is on and no CPU is isolated, so vCPUs share cores with siblings and other tasks: "
    "write off to /sys/devices/system/cpu/smt/control, or boot with isolcpus=."
)
_ALONE: Final = (
    "This process may use fewer than 2 CPUs, so sender and target take turns: "
    "allow it more with taskset or its cpuset."
)


def facts(root: Path = Path("/")) -> dict[str, str]:
    """Every fact in a stable order; ``unknown`` where the kernel does not tell."""
    return _identity(root) | _abilities(root) | _tuning(root)


def kvm_key(root: Path = Path("/")) -> str:
    """SHA-256 in hex, under which the probe results of this host are kept."""
    return hashlib.sha256(json.dumps(_identity(root)).encode()).hexdigest()


def advice(root: Path = Path("/")) -> list[str]:
    """One sentence on each thing known to make timing less steady here."""
    known = facts(root)
    told = [
        sentence.format(known[name])
        for (name, steady), sentence in _ADVICE.items()
        if known.get(name, UNKNOWN) not in (steady, UNKNOWN)
    ]
    if known["smt"] == "on" and known["isolated_cpus"] == NONE:
        told.append(_SHARED)
    if len(usable_cpus()) < 2:
        told.append(_ALONE)
    return told


def usable_cpus() -> tuple[int, ...]:
    """Numbers of the CPUs that this process may run on, ascending."""
    return tuple(sorted(os.sched_getaffinity(0)))


def _identity(root: Path) -> dict[str, str]:
    """What decides what works here; another value is another host to `kvm_key`."""
    cpuinfo = _text(root / "proc/cpuinfo") or ""
    return {
        "cpu_model": _field(cpuinfo, "model name"),
        "microcode": _field(cpuinfo, "microcode"),
        "kernel_release": _line(root / "proc/sys/kernel/osrelease"),
        "kernel_version": _line(root / "proc/sys/kernel/version"),
        **_kvm(root / "sys/module"),
    }


def _kvm(modules: Path) -> dict[str, str]:
    """KVM's modules, and each parameter as ``module.parameter``."""
    loaded = _names(modules)
    ours = [name for name in loaded if name.startswith("kvm")]
    found = {"kvm_modules": (", ".join(ours) or NONE) if loaded else UNKNOWN}
    for module in ours:
        folder = modules / module / "parameters"
        found |= {f"{module}.{name}": _line(folder / name) for name in _names(folder)}
    return found


def _abilities(root: Path) -> dict[str, str]:
    """What the CPU offers, from its flags."""
    match = re.search(r"^flags[ \t]*:(.*)$", _text(root / "proc/cpuinfo") or "", re.MULTILINE)
    flags = set(match[1].split()) if match else set()
    hardware = ", ".join(sorted({"vmx", "svm"} & flags)) or "software (no vmx or svm flag)"
    return {
        "nested": _flag(flags, "hypervisor"),
        "virtualization": hardware if flags else UNKNOWN,
        "constant_tsc": _flag(flags, "constant_tsc"),
        "nonstop_tsc": _flag(flags, "nonstop_tsc"),
    }


def _tuning(root: Path) -> dict[str, str]:
    """What an administrator may change."""
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


def _field(cpuinfo: str, name: str) -> str:
    """What the CPUs say under *name*, each value once."""
    found = re.findall(rf"^{name}[ \t]*:[ \t]*(\S.*?)[ \t]*$", cpuinfo, re.MULTILINE)
    return ", ".join(sorted(set(found))) or UNKNOWN


def _flag(flags: set[str], name: str) -> str:
    return ("yes" if name in flags else "no") if flags else UNKNOWN


def _governors(cpu: Path) -> str:
    """Each governor once; CPUs that are offline have none."""
    cpus = [name for name in _names(cpu) if re.fullmatch(r"cpu[0-9]+", name)]
    found = {_line(cpu / name / "cpufreq/scaling_governor") for name in cpus} - {UNKNOWN}
    return ", ".join(sorted(found)) or UNKNOWN


def _turbo(cpu: Path) -> str:
    """As Intel's driver has it, or else any other."""
    intel = _word(cpu / "intel_pstate/no_turbo", {"0": "on", "1": "off"})
    return _word(cpu / "cpufreq/boost", _SWITCH) if intel == UNKNOWN else intel


def _vulnerabilities(folder: Path) -> dict[str, str]:
    """Those that affect this CPU, and what is done about each."""
    known = {name: _line(folder / name) for name in _names(folder)}
    ours = {name: text for name, text in known.items() if text != "Not affected"}
    told = {f"vulnerability.{name}": text for name, text in ours.items()}
    return {"vulnerabilities": (", ".join(ours) or NONE) if known else UNKNOWN, **told}


def _cpu_list(path: Path) -> str:
    """CPU numbers; the kernel lists none by an empty line, older ones by ``(null)``."""
    return NONE if _text(path) in ("", "(null)") else _line(path)


def _selected(path: Path) -> str:
    """The word in brackets, of ``always [madvise] never``."""
    match = re.search(r"\[(\w+)\]", _text(path) or "")
    return match[1] if match else UNKNOWN


def _word(path: Path, words: Mapping[str, str]) -> str:
    return words.get(_text(path) or "", UNKNOWN)


def _line(path: Path) -> str:
    return " ".join((_text(path) or "").split()) or UNKNOWN


def _text(path: Path) -> str | None:
    """Stripped; None where it cannot be read, for whatever reason."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return None


def _names(folder: Path) -> list[str]:
    """In alphabetical order; none where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
