"""Files on disk: only regular ones are read, and a file is replaced whole or not at all."""

from __future__ import annotations

import errno
import gzip
import os
import stat
from pathlib import Path

import pytest

from pvbench.host import files as host_files


def test_the_content_of_a_regular_file_is_read(tmp_path: Path) -> None:
    """Through a symbolic link as well: reading changes nothing."""
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to("a")

    assert host_files.read_regular(tmp_path / "a") == b"content"
    assert host_files.read_regular(tmp_path / "link") == b"content"


def test_a_symbolic_link_is_called_so_where_none_is_followed(tmp_path: Path) -> None:
    """`Too many levels of symbolic links` would describe a loop; any other error stays."""
    (tmp_path / "link").symlink_to("nowhere")

    with pytest.raises(OSError, match="it is a symbolic link"):
        host_files.open_regular(tmp_path / "link", os.O_WRONLY | os.O_NOFOLLOW)
    with pytest.raises(FileNotFoundError, match="No such file"):
        host_files.open_regular(tmp_path / "missing")


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_a_fifo_or_a_device_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """Reading one can block for ever or never end."""
    path = Path("/dev/zero")
    if kind == "fifo":
        path = tmp_path / "fifo"
        os.mkfifo(path)

    with pytest.raises(OSError, match="it is not a regular file"):
        host_files.read_regular(path)


def test_a_file_of_too_many_bytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A sparse file of a terabyte takes no memory."""
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(OSError, match="it has more than 134217728 bytes") as raised:
        host_files.read_regular(path)
    assert raised.value.errno == errno.EFBIG


@pytest.mark.parametrize(("limit", "is_read"), [(6, False), (7, True)])
def test_the_limit_is_the_largest_size_that_is_read(
    tmp_path: Path, limit: int, *, is_read: bool
) -> None:
    """The sentence has the limit."""
    (tmp_path / "a").write_bytes(b"content")

    if is_read:
        assert host_files.read_regular(tmp_path / "a", limit) == b"content"
    else:
        with pytest.raises(OSError, match="it has more than 6 bytes"):
            host_files.read_regular(tmp_path / "a", limit)


def test_a_file_that_grows_beyond_the_limit_while_it_is_read_is_refused() -> None:
    """The size of a file in /proc is 0 before it is read."""
    with pytest.raises(OSError, match="it has more than 4 bytes"):
        host_files.read_regular(Path("/proc/self/status"), 4)


def test_a_name_with_a_null_byte_is_refused_as_any_other_that_cannot_be_opened() -> None:
    """Python raises ValueError, which callers do not expect."""
    with pytest.raises(OSError, match="its name has a null byte"):
        host_files.read_regular(Path("a\0b"))


def test_a_directory_is_refused_by_its_name(tmp_path: Path) -> None:
    """The message is the one of read(2)."""
    with pytest.raises(IsADirectoryError, match="Is a directory"):
        host_files.read_regular(tmp_path)


def test_a_refused_file_leaves_no_descriptor_open(tmp_path: Path) -> None:
    """A caller that goes on must not run out of descriptors."""
    os.mkfifo(tmp_path / "fifo")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="not a regular file"):
        host_files.open_regular(tmp_path / "fifo")

    assert os.listdir("/proc/self/fd") == before


def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    """Until then a reader sees the old content."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with host_files.replacing(path) as file:
        file.write(b"new")
        file.flush()
        before = path.read_bytes()

    assert (before, path.read_bytes(), os.listdir(tmp_path)) == (b"old", b"new", ["a"])


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_old_file(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """A signal has the same effect; no temporary file stays behind."""
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with host_files.replacing(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        interrupted()

    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["a"])


def test_a_symbolic_link_in_the_place_of_the_temporary_file_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that guesses the name must not choose the file that is overwritten."""
    monkeypatch.setattr(os, "urandom", bytes)
    victim, path = tmp_path / "victim", tmp_path / "a"
    victim.write_bytes(b"precious")
    (tmp_path / ".a.00000000.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError), host_files.replacing(path) as file:
        file.write(b"new")

    assert (victim.read_bytes(), path.exists()) == (b"precious", False)


def test_a_symbolic_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    """The new file takes the place of the link."""
    victim, path = tmp_path / "victim", tmp_path / "a"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    with host_files.replacing(path) as file:
        file.write(b"new")

    assert (victim.read_bytes(), path.read_bytes()) == (b"precious", b"new")
    assert not path.is_symlink()


def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    """Results are there to be shared."""
    before = os.umask(0o027)
    try:
        with host_files.replacing(tmp_path / "a"):
            pass
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_temporary_files_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    """Those of other files stay, also where a name looks like a pattern."""
    for name in ("a[1]", ".a[1].0123abcd.tmp", ".a1.0123abcd.tmp", ".b.0123abcd.tmp"):
        (tmp_path / name).touch()
    host_files.remove_temporaries(tmp_path / "a[1]")

    assert sorted(os.listdir(tmp_path)) == [".a1.0123abcd.tmp", ".b.0123abcd.tmp", "a[1]"]


def test_gzip_is_unpacked_up_to_a_limit() -> None:
    """Other content is returned as it is."""
    packed = gzip.compress(b"x" * 9)

    assert host_files.unpacked(packed, limit=9) == b"x" * 9
    assert host_files.unpacked(b"hello", limit=1) == b"hello"
    with pytest.raises(OSError, match="it has more than 8 bytes when it is unpacked"):
        host_files.unpacked(packed, limit=8)
    for damaged in (packed[:-9], packed[:-1], b"\x1f\x8b", packed[:-8] + bytes(8)):
        with pytest.raises(EOFError):
            host_files.unpacked(damaged)
