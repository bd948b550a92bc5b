"""Fixtures of the tests of result files and of resumed runs."""

from __future__ import annotations

import pytest

from pvbench.run import loop
from support.resume import BOOT_ONCE


@pytest.fixture
def replayed_boots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each boot of the small run is executed once for all tests; the model repeats itself."""
    monkeypatch.setattr(loop, "run_boot", BOOT_ONCE)
