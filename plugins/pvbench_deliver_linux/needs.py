"""What this machine lacks for a Linux guest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pvbench.host import facts as host_facts
from pvbench.linux_era import CURRENT
from pvbench_deliver_linux import carried, files, tracing

DEVICE: Final = Path("/dev/kvm")


def why_unavailable() -> str | None:
    """Why this machine cannot boot a Linux guest; None if it can."""
    return next(_reasons(), None)


def _reasons() -> Iterator[str]:
    facts = host_facts.facts()
    if facts.get("virtualization", "").startswith("software"):
        yield (
            "a Linux guest needs hardware virtualization, and the processor shows neither "
            "vmx nor svm: a KVM without it can hang the machine, so QEMU is not started"
        )
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        yield f"{DEVICE} cannot be opened: load kvm_intel or kvm_amd, or become root"
    if shutil.which(files.QEMU) is None and carried.command() is None:
        yield f"there is no {files.QEMU}: apt-get install qemu-system-x86"
    if reason := tracing.why_unusable():
        yield f"hypercalls cannot be counted: {reason}"
    if not files.kernels():
        yield f"there is no kernel for the guest: `pvbench lab add {CURRENT}` adds one"
