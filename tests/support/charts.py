"""Tests of charts: skipped where the library that draws them is not installed."""

from __future__ import annotations

from importlib.util import find_spec

from support.require import skip_without


def need_charts() -> None:
    """Skip the test without vl-convert."""
    missing = None if find_spec("vl_convert") else "vl-convert-python is not installed"
    skip_without("charts", missing, means=True)


def need_plots() -> None:
    """Skip the test without plotext."""
    missing = None if find_spec("plotext") else "plotext is not installed"
    skip_without("charts", missing, means=True)
