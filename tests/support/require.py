"""Skips for what a machine lacks; PVBENCH_REQUIRE turns wrong ones into failures."""

from __future__ import annotations

import os

import pytest


def skip_without(name: str, lacking: str | None, *, means: bool) -> None:
    """
    Skip the test for *lacking*, the reason why *name* cannot be had; None is no reason.

    Args:
        means: the machine could do it, so with *name* in PVBENCH_REQUIRE the test fails.
    """
    if lacking is None:
        return
    if means and name in os.environ.get("PVBENCH_REQUIRE", "").split(","):
        pytest.fail(f"PVBENCH_REQUIRE names {name}: {lacking}")
    pytest.skip(lacking)
