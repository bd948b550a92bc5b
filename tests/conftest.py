"""One hypothesis profile, and plugins made for a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no clocks.
settings.register_profile(
    "pvbench", derandomize=True, deadline=None, database=None, max_examples=60
)
settings.load_profile("pvbench")


@pytest.fixture
def only_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins installed on this machine play no part."""
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def write_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Put a module on sys.path, forgotten by earlier tests."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> str:
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write
