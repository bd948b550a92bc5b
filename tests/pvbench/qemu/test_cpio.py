"""The archive that Linux unpacks as its first file system."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.qemu import cpio
from support.archives import entries_of

PATHS = st.lists(
    st.from_regex(r"[a-z]{1,3}(/[a-z]{1,4}){0,3}\.x", fullmatch=True), unique=True, max_size=8
)


@given(PATHS, st.binary(max_size=9))
def test_every_file_is_in_the_archive_with_its_content(
    paths: list[str], content: bytes
) -> None:
    """Sizes that are no multiple of 4 are padded."""
    files = {path: cpio.file(content * number) for number, path in enumerate(paths)}
    entries = entries_of(cpio.archive(files))

    assert {path: entries[path] for path in files} == files


def test_the_folders_on_the_way_to_a_file_come_before_it() -> None:
    """Linux creates none by itself."""
    entries = entries_of(cpio.archive({"py/a/b.pyc": cpio.file(b"x")}))

    assert list(entries) == ["py", "py/a", "py/a/b.pyc"]
    assert entries["py"].mode == 0o40755


def test_an_archive_is_whole_blocks() -> None:
    """As cpio writes it."""
    assert len(cpio.archive({"a": cpio.file(b"x")})) % 512 == 0


def test_a_device_has_its_numbers() -> None:
    """/dev/console is 5, 1."""
    entries = entries_of(cpio.archive({"dev/console": cpio.character_device(5, 1)}))

    assert (entries["dev/console"].mode, entries["dev/console"].device) == (0o20600, (5, 1))


def test_an_executable_may_be_executed() -> None:
    """Other files may not."""
    modes = [cpio.file(b"", executable=executable).mode for executable in (True, False)]

    assert modes == [0o100755, 0o100644]


def test_cpio_itself_unpacks_the_archive(tmp_path: Path) -> None:
    """The format is that of another program."""
    if shutil.which("cpio") is None:
        pytest.skip("there is no program cpio")
    content = cpio.archive({"a/b": cpio.file(b"hello"), "c": cpio.file(b"")})
    done = subprocess.run(
        ["cpio", "-i", "--quiet"], input=content, cwd=tmp_path, check=False, capture_output=True
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "a/b").read_bytes() == b"hello"
