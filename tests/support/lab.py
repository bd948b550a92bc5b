"""The kernel for tests that boot a lab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pvbench.host.cache import cache_folder
from pvbench_site_lab import needs

# Before the tests get a cache of their own.
_KERNELS: Final = cache_folder() / "kernels"


def kernel() -> Path | None:
    """That of PVBENCH_LAB_KERNEL, or the first that `pvbench lab add` has brought here."""
    if path := os.environ.get("PVBENCH_LAB_KERNEL"):
        return Path(path)
    images = sorted(_KERNELS.glob("*/vmlinuz"))
    return images[0].parent if images else None


def proposals() -> Path:
    """That of `pvbench lab build 6.12 --patches`."""
    return _KERNELS / "6.12-proposals"


def why_no_proposals() -> str | None:
    """Why the patched kernel is not booted here; None if it is."""
    if "proposals" not in os.environ.get("PVBENCH_REQUIRE", "").split(","):
        return "PVBENCH_REQUIRE does not name proposals"
    if not proposals().is_dir():
        return "there is no kernel for it: pvbench lab build 6.12 --patches"
    return needs.why_unavailable()


def why_no_lab() -> str | None:
    """Why no lab can be booted here; None if one can."""
    if kernel() is None:
        return "there is no kernel for a lab: pvbench lab add 6.1"
    return needs.why_unavailable()
