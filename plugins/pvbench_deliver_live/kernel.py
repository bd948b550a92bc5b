"""
What the kernel says of its way to send IPIs: in its boot log, which it may keep to root.

Source: Linux, arch/x86/kernel/apic/probe_64.c, arch/x86/kernel/kvm.c and
arch/x86/hyperv/hv_apic.c; Documentation/ABI/testing/dev-kmsg.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"

_RECORD: Final = 1 << 13  # longer than any
_ROUTING: Final = re.compile(r"(?:Switched|Setting) APIC routing to:? (.+?)\.?$", re.MULTILINE)
_PV: Final = re.compile(r"setup PV IPIs|Hyper-V: Using IPI hypercalls", re.IGNORECASE)
_FIRST: Final = "Linux version "  # begins a log that has lost nothing of the boot


def facts(root: Path) -> dict[str, str]:
    """What a result says of the kernel; ``unknown`` where it does not tell."""
    log, flags = "\n".join(_log(root / "dev/kmsg")), _flags(root / "proc/cpuinfo")
    found = {
        "apic_routing": routing(log),
        "pv_ipis": pv_ipis(log, flags),
        "cpu_x2apic": ("yes" if "x2apic" in flags else "no") if flags else UNKNOWN,
    }
    told = f"APIC routing {found['apic_routing']}, PV IPIs {found['pv_ipis']}"
    source = f"IPIs of Linux {platform.release()} by membarrier(2), {told}"
    return found | {"source": source}  # tables have it below them


def routing(log: str) -> str:
    """The driver the kernel settled on, in its own words."""
    named = _ROUTING.findall(log)
    return str(named[-1]) if named else UNKNOWN


def pv_ipis(log: str, flags: set[str]) -> str:
    """``on`` if the kernel said so, ``off`` if it would have and did not."""
    if _PV.search(log):
        return "on"
    silent = _FIRST in log or bool(flags and "hypervisor" not in flags)
    return "off" if silent else UNKNOWN


def _log(path: Path) -> Iterator[str]:
    """Messages, oldest first; none if they may not be read."""
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield from _messages(fd)
        finally:
            os.close(fd)


def _messages(fd: int) -> Iterator[str]:
    """Of records ``priority,number,time,flags;message``; lines that go on are indented."""
    while True:
        try:
            records = os.read(fd, _RECORD)
        except BrokenPipeError:  # a record was overwritten before it was read
            continue
        if not records:  # an ordinary file
            return
        for line in records.decode(errors="replace").splitlines():
            if not line.startswith(" "):
                yield line.partition(";")[2]


def _flags(cpuinfo: Path) -> set[str]:
    try:
        match = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        return set()
    return set(match[1].split()) if match else set()
