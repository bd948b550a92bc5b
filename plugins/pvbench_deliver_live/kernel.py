"""
How the running kernel sends IPIs, as stated in its boot log, which only root may read.

Source: Linux, arch/x86/kernel/apic/probe_64.c, arch/x86/kernel/kvm.c and
arch/x86/hyperv/hv_apic.c.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Final

from pvbench.host.cpuinfo import read_or_empty
from pvbench.host.kernel_log import messages

UNKNOWN: Final = "unknown"

_ROUTING: Final = re.compile(r"(?:Switched|Setting) APIC routing to:? (.+?)\.?$", re.MULTILINE)
_PV: Final = re.compile(r"setup PV IPIs|Hyper-V: Using IPI hypercalls", re.IGNORECASE)
_FIRST_MESSAGE: Final = "Linux version "  # present if the log is complete


def facts(root: Path) -> dict[str, str]:
    """Facts of the kernel for a result file; those it does not show are ``unknown``."""
    log = "\n".join(messages(root / "dev/kmsg"))
    flags = read_or_empty(root / "proc/cpuinfo").flags
    return {
        "apic_routing": routing(log),
        "pv_ipis": pv_ipis(log, flags),
        "cpu_x2apic": ("yes" if "x2apic" in flags else "no") if flags else UNKNOWN,
    }


def source(root: Path) -> str:
    """A sentence that names the kernel whose IPIs are timed."""
    kernel = facts(root)
    return (
        f"Source: IPIs of Linux {platform.release()} by membarrier(2), "
        f"APIC routing {kernel['apic_routing']}, PV IPIs {kernel['pv_ipis']}."
    )


def routing(log: str) -> str:
    """The APIC driver that the kernel chose last, in the kernel's words."""
    drivers = _ROUTING.findall(log)
    return str(drivers[-1]) if drivers else UNKNOWN


def pv_ipis(log: str, flags: frozenset[str]) -> str:
    """``on`` if the kernel logged it, ``off`` if it would have logged it and did not."""
    if _PV.search(log):
        return "on"
    would_be_logged = _FIRST_MESSAGE in log or bool(flags and "hypervisor" not in flags)
    return "off" if would_be_logged else UNKNOWN
