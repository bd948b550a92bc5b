"""The machine: a name for its results' folder, and the facts `doctor` shows."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def cpu_model() -> str:
    """The CPU's model name; ``unknown`` where the kernel does not tell."""
    try:
        text = _CPUINFO.read_text()
    except OSError:
        return "unknown"
    match = re.search(r"^model name[ \t]*:[ \t]*(.*)$", text, re.MULTILINE)
    return (match[1].strip() if match else "") or "unknown"


def name() -> str:
    """Folder name from CPU model and count, never from the host's name."""
    model = re.sub(r"\(r\)|\(tm\)|\bcpu\b|@.*", " ", cpu_model().lower())
    slug = re.sub(r"[^a-z0-9]+", "-", model).strip("-") or "unknown"
    return f"{slug}-{os.cpu_count()}cpu"


def facts() -> dict[str, str]:
    """What `doctor` says of the machine."""
    flags = _flags()
    hardware = sorted({"vmx", "svm"} & flags)
    return {
        "cpu": cpu_model(),
        "cpus": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "hypervisor": "runs inside one" if "hypervisor" in flags else "none seen",
        "hardware virtualization": ", ".join(hardware) or "not offered",
        "/dev/kvm": _kvm(),
    }


def _flags() -> set[str]:
    try:
        match = re.search(r"^flags\s*:\s*(.+)$", _CPUINFO.read_text(), re.MULTILINE)
    except OSError:
        return set()
    return set(match[1].split()) if match else set()


def _kvm() -> str:
    if not Path("/dev/kvm").exists():
        return "absent"
    usable = os.access("/dev/kvm", os.R_OK | os.W_OK)
    return "present, may be opened" if usable else "present, may not be opened"
