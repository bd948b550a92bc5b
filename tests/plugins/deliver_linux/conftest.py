"""A program in the place of QEMU, and hypercalls that it says it has made."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from pvbench_deliver_linux import booted, tracing
from pvbench_deliver_linux.settings import Files, Settings
from support import fake_linux_qemu


@attrs.frozen
class FakeTrace:
    """The hypercalls that the fake QEMU has counted in a file."""

    path: Path

    def counts(self, event: str) -> Counter[int]:
        made = int(self.path.read_text())
        return Counter({10: made, 11: 1} if event == tracing.HYPERCALL else {0xFC: 3 * made})


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of guests under the fake QEMU."""
    path = tmp_path / "hypercalls"
    path.write_text("0")
    image = tmp_path / "vmlinuz"
    image.write_bytes(b"a kernel")
    monkeypatch.setenv("FAKE_HYPERCALLS", str(path))
    monkeypatch.setattr(booted, "initramfs", lambda: path)

    @contextmanager
    def traced(threads: Collection[int], events: Collection[str]) -> Iterator[FakeTrace]:
        yield FakeTrace(path)

    monkeypatch.setattr(tracing, "traced", traced)
    files = Files(
        command=(sys.executable, fake_linux_qemu.__file__),
        kernels={"6.12": str(image)},
    )
    usable = sorted(os.sched_getaffinity(0))
    return Settings(files=files, cpus=usable, hides_icr_writes=False)


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets what goes wrong in the fake QEMU."""
    return lambda name: monkeypatch.setenv("FAKE_LINUX", name)
