"""Tests of the real machine: not two at once, and skipped for what it lacks."""

from __future__ import annotations

import os
from typing import Final

import pytest

# The group of tests that boot guests or spin.  They run one by one in one process: a KVM
# without hardware virtualization can hang its machine.
ONE_BY_ONE: Final = "real guests and threads that spin"


def skip_without(name: str, missing: str | None, *, means: bool) -> None:
    """
    Skip the test for *missing*, the reason why *name* cannot be had; None is no reason.

    Args:
        means: the machine could do it, so with *name* in PVBENCH_REQUIRE the test fails.
    """
    if missing is None:
        return
    if means and name in os.environ.get("PVBENCH_REQUIRE", "").split(","):
        pytest.fail(f"PVBENCH_REQUIRE names {name}: {missing}")
    pytest.skip(missing)
