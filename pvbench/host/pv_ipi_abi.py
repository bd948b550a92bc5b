"""
The ABI that KVM gives to KVM_HC_SEND_IPI, where a patched KVM has several.

Its parameter concerns all guests of the host.  So it is only read here, and written in the
way that a site provides whose host has no other guests.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pvbench.host.files import read_regular

PARAMETER: Final = Path("/sys/module/kvm/parameters/pv_ipi_abi")
# The value of the parameter for each hypercall ABI of a guest.
VALUES: Final = {
    "kvm": "merged",
    "kvm-v3": "v3",
    "kvm-cluster128": "cluster128",
    "kvm-cluster192": "cluster192",
}
Write = Callable[[str], object]

_writes: Final[list[Write]] = []


def write_with(write: Write | None) -> None:
    """Let *write* set the parameter before guests boot; None lets nothing set it."""
    _writes[:] = [write] if write else []


def read() -> str:
    """The value of the parameter; empty on a KVM that has none."""
    with suppress(OSError, ValueError):
        return read_regular(PARAMETER).decode("ascii").strip()
    return ""


def serve(hypercall_abi: str) -> None:
    """Let this host serve *hypercall_abi*, if its KVM can and the site allows it."""
    value = VALUES.get(hypercall_abi)
    if value and read():
        for write in _writes:
            write(value)
