"""Programs in the place of the child processes that probe KVM."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pvbench.host import facts as host_facts
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.probe import cache
from support.probe_children import (
    Child,
)


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: list[float]) -> Child:
    """Write the program that replaces a child: it prints *text*, then runs *last_command*."""
    script = tmp_path / "child"
    hang = f"hang() {{ echo >{tmp_path}/hangs; exec sleep 9999; }}"

    def write_child(text: str, last_command: str = "exit 0") -> None:
        (tmp_path / "text").write_text(text)
        lines = (
            "#!/bin/sh",
            hang,
            f"echo $$ $4 >>{tmp_path}/born",
            f"cat {tmp_path}/text",
            last_command,
        )
        script.write_text("\n".join(lines))
        script.chmod(0o755)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "key", lambda: "this guest")  # which needs a compiler
    monkeypatch.setattr(host_facts, "kvm_key", lambda: "this host")
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(cache, "LIMIT_S", 1.8)
    return write_child


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The return code of each child."""
    statuses: list[int] = []

    class Noted(subprocess.Popen[bytes]):
        def __exit__(self, *error: Any) -> None:
            super().__exit__(*error)
            statuses.append(self.returncode)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return statuses


@pytest.fixture
def limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """
    How long was waited at most, each time.

    A limit is over when the child hangs, and never because the machine is busy.
    """
    waited: list[float] = []
    kernel = select.select
    os.mkfifo(tmp_path / "hangs")
    hangs = os.open(tmp_path / "hangs", os.O_RDWR)

    def select_until_it_hangs(
        read: list[int], write: list[int], other: list[int], limit_s: float
    ) -> tuple[list[int], list[int], list[int]]:
        waited.append(limit_s)
        readable, _, _ = kernel([*read, hangs], write, other)
        if readable == [hangs]:
            os.read(hangs, 1)
        return [file for file in readable if file != hangs], [], []

    monkeypatch.setattr(select, "select", select_until_it_hangs)
    yield waited
    os.close(hangs)
