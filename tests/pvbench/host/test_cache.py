"""A file in the user's cache is whole or absent, also after a crash."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pvbench.host.cache import cache_folder, keep

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
    keep(b"older", path)
    keep(IMAGE, path)

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
    keep(b"a few bytes", tmp_path / "guest-1.bin")

    assert contents == [([], b"a few bytes", tmp_path)]


def test_an_interrupt_leaves_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next use makes it anew."""

    def interrupt(source: str, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            keep(IMAGE, tmp_path / "guest-1.bin")
    files = os.listdir(tmp_path)
    keep(IMAGE, tmp_path / "guest-1.bin")

    assert (files, images(tmp_path)) == ([], ["guest-1.bin"])
    assert (tmp_path / "guest-1.bin").read_bytes() == IMAGE


def test_a_full_disk_leaves_no_image(tmp_path: Path) -> None:
    """No part of an image is left, and nothing is raised."""
    with full_disk():
        keep(IMAGE, tmp_path / "guest-1.bin")

    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_an_older_file_alone(tmp_path: Path) -> None:
    """It is as good as it was."""
    keep(IMAGE[:LIMIT], tmp_path / "guest-1.bin")
    with full_disk():
        keep(IMAGE, tmp_path / "guest-1.bin")

    assert (tmp_path / "guest-1.bin").read_bytes() == IMAGE[:LIMIT]


def test_a_temporary_name_that_exists_leaves_no_more_files(tmp_path: Path) -> None:
    """Repeated use does not add files."""
    (tmp_path / "guest-1.bin").mkdir()
    keep(IMAGE, tmp_path / "guest-1.bin")

    assert os.listdir(tmp_path) == ["guest-1.bin"]


def test_the_cache_is_in_the_folder_for_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is XDG_CACHE_HOME, or else .cache in the home directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    chosen = cache_folder()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/user")

    assert [chosen, cache_folder()] == [
        Path("/caches/pvbench"),
        Path("/home/user/.cache/pvbench"),
    ]
