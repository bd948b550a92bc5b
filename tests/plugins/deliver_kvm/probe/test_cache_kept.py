"""Several processes may compile the guest image at once."""

from __future__ import annotations

import hashlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvbench_deliver_kvm import build
from support.c_facts import needs_c
from support.compiler import CountedCompiler
from support.helpers import DEADLINE_S

CHILD = """
import hashlib
from pvbench_deliver_kvm import build
print(hashlib.sha256(build.image()).hexdigest())
"""


class Gate:
    """Compilers wait here, in the middle of their work, until all may go on."""

    def __init__(self, folder: Path) -> None:
        arrived, leave = folder / "arrived", folder / "leave"
        self.script = f"echo arrived > '{arrived}'\nread word < '{leave}'"
        self._ends = []
        for pipe in (arrived, leave):
            os.mkfifo(pipe)
            self._ends.append(os.open(pipe, os.O_RDWR))

    def wait_for(self, count: int) -> None:
        """Return when *count* compilers have begun."""
        output = b""
        while output.count(b"\n") < count:
            assert select.select([self._ends[0]], [], [], 60)[0], "no second compiler"
            output += os.read(self._ends[0], 4096)

    def open(self, count: int) -> None:
        """Let *count* compilers go on."""
        os.write(self._ends[1], b"\n" * count)

    def close(self) -> None:
        """Release all waiting threads, even after a failed test."""
        self.open(8)
        for end in self._ends:
            os.close(end)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Closed, so far."""
    gate = Gate(tmp_path)
    yield gate
    gate.close()


def test_two_processes_may_compile_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    """Both have the image, and one image is kept."""
    needs_c("abi.h")
    digest = hashlib.sha256(build.image()).hexdigest()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cc = CountedCompiler(tmp_path / "bin", monkeypatch, before=gate.script)
    command = [sys.executable, "-P", "-c", CHILD]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        gate.wait_for(2)
        gate.open(2)
        output = [child.communicate(timeout=DEADLINE_S)[0].strip() for child in children]
    finally:
        for child in children:
            child.kill()

    files = list((tmp_path / "cache/pvbench").iterdir())
    assert (output, cc.calls) == ([digest, digest], 2)
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == [digest]
