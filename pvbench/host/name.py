"""The name of a host, made of its CPU model and the number of CPUs."""

from __future__ import annotations

import os
import re

from pvbench.host import cpuinfo


def cpu_model() -> str:
    """Return the CPU's model name, or ``unknown`` if the kernel does not show it."""
    return next(iter(cpuinfo.read_or_empty(cpuinfo.CPUINFO).values("model name")), "unknown")


def name() -> str:
    """Make a folder name from the CPU model and count; it never contains the hostname."""
    model = re.sub(r"\(r\)|\(tm\)|\bcpu\b|@.*", " ", cpu_model().lower())
    slug = re.sub(r"[^a-z0-9]+", "-", model).strip("-") or "unknown"
    return f"{slug}-{os.cpu_count()}cpu"
