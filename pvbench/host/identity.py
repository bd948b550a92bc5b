"""The identity of this machine, by which the workers of a cluster are grouped."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

_MACHINE_ID: Final = Path("/etc/machine-id")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_DIGITS: Final = 8


def host_id() -> str:
    """
    The ID of this machine: PVBENCH_HOST_ID, else a hash that does not reveal the machine ID.

    Without a machine ID it is another one after the next boot of the machine.
    """
    if chosen := os.environ.get("PVBENCH_HOST_ID"):
        return chosen
    machine = _text(_MACHINE_ID) or _text(_BOOT_ID)
    return hashlib.sha256(f"pvbench host {machine}".encode()).hexdigest()[:_DIGITS]


def boot_id() -> str:
    """The kernel's ID of the time since this machine was booted; empty if it shows none."""
    return _text(_BOOT_ID)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
