"""The files of a package of Debian."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench_site_lab import package_files
from pvbench_site_lab.package_files import PackedFile
from support.fake_apt import write_archive


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither into memory nor onto the disk."""
    monkeypatch.setattr(package_files, "_LARGEST", 3)
    with tarfile.open(
        write_archive(tmp_path / "a.tar", {"3": b"abc", "4": b"abcd"})
    ) as archive:
        small, large = (PackedFile(archive, member) for member in archive)

        assert small.content() == b"abc"
        with pytest.raises(UnavailableError, match="it has 4 bytes"):
            large.content()
