"""The name of a host: its CPU model and count."""

from __future__ import annotations

import os
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
