"""Fixtures of the tests of delivery model."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench_deliver_model import cost_file
from support.cost_profiles import COST_PROFILES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundled cost profiles with nothing but ``skylake-2018`` in it."""
    path = tmp_path / "cost_profiles"
    path.mkdir()
    (path / "skylake-2018.toml").write_bytes((COST_PROFILES / "skylake-2018.toml").read_bytes())
    monkeypatch.setattr(cost_file, "_FOLDER", path)
    return path
