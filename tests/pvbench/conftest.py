"""Plugins made for a test, as modules on sys.path."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def only_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins installed on this machine play no part."""
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Put a module on sys.path, forgotten by earlier tests."""
    monkeypatch.syspath_prepend(tmp_path)

    def write_module(name: str, source: str) -> str:
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write_module
