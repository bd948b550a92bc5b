"""A cached image is complete or absent, also after a crash or with several writers."""

from __future__ import annotations

import hashlib
import os
import resource
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pvbench_deliver_kvm import build
from support.c_facts import needs_c
from support.compiler import CountedCompiler
from support.helpers import DEADLINE_S

IMAGE = bytes(range(256)) * 64
LIMIT = 4096  # of a file's size, in bytes


def images(folder: Path) -> list[str]:
    """Images that a later use would believe."""
    return sorted(path.name for path in folder.glob("*.bin"))


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond LIMIT; no longer than needed, for pytest writes files too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_kept_file_exists(tmp_path: Path) -> None:
    """Folders are made; an older file makes room."""
    path = tmp_path / "a/b/guest-1.bin"
    build.keep(b"older", path)
    build.keep(IMAGE, path)

    assert path.read_bytes() == IMAGE
    assert list(path.parent.iterdir()) == [path]


def test_a_file_is_whole_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader gets the whole file or none."""
    contents = []
    rename = os.replace

    def look(source: str, target: Path) -> None:
        contents.append((images(tmp_path), Path(source).read_bytes(), Path(source).parent))
        rename(source, target)

    monkeypatch.setattr(os, "replace", look)
    build.keep(b"a few bytes", tmp_path / "guest-1.bin")

    assert contents == [([], b"a few bytes", tmp_path)]


def test_an_interrupt_leaves_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next use makes it anew."""

    def interrupt(source: str, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            build.keep(IMAGE, tmp_path / "guest-1.bin")
    files = os.listdir(tmp_path)
    build.keep(IMAGE, tmp_path / "guest-1.bin")

    assert (files, images(tmp_path)) == ([], ["guest-1.bin"])
    assert (tmp_path / "guest-1.bin").read_bytes() == IMAGE


def test_a_full_disk_leaves_no_image(tmp_path: Path) -> None:
    """No part of an image is left, and nothing is raised."""
    with full_disk():
        build.keep(IMAGE, tmp_path / "guest-1.bin")

    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_an_older_file_alone(tmp_path: Path) -> None:
    """It is as good as it was."""
    build.keep(IMAGE[:LIMIT], tmp_path / "guest-1.bin")
    with full_disk():
        build.keep(IMAGE, tmp_path / "guest-1.bin")

    assert (tmp_path / "guest-1.bin").read_bytes() == IMAGE[:LIMIT]


def test_a_temporary_name_that_exists_leaves_no_more_files(tmp_path: Path) -> None:
    """Repeated use does not add files."""
    (tmp_path / "guest-1.bin").mkdir()
    build.keep(IMAGE, tmp_path / "guest-1.bin")

    assert os.listdir(tmp_path) == ["guest-1.bin"]


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
