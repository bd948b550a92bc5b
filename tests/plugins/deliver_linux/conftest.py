"""A program in the place of QEMU, and hypercalls that it says it has made."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench_deliver_linux import booted, tracing
from pvbench_deliver_linux.settings import Files, Settings
from support import fake_linux_plugin


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of guests under the fake QEMU."""
    path = tmp_path / "hypercalls"
    path.write_text("0")
    image = tmp_path / "vmlinuz"
    image.write_bytes(b"a kernel")
    monkeypatch.setenv("FAKE_HYPERCALLS", str(path))
    monkeypatch.setattr(booted, "initramfs", lambda: path)

    monkeypatch.setattr(tracing, "traced", fake_linux_plugin.traced)
    files = Files(
        command=(sys.executable, str(fake_linux_plugin.QEMU)),
        kernels={"6.12": str(image)},
    )
    usable = sorted(os.sched_getaffinity(0))
    return Settings(files=files, cpus=usable, hides_icr_writes=False)


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets what goes wrong in the fake QEMU."""
    return lambda name: monkeypatch.setenv("FAKE_LINUX", name)
