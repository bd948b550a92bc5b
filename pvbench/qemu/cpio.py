"""Write an archive in the format newc of cpio, which Linux unpacks as its first file system."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

import attrs

_MAGIC: Final = b"070701"
_BLOCK: Final = 512


@attrs.frozen
class Entry:
    """
    A file of an archive.

    Args:
        mode: type and permissions, as in <sys/stat.h>.
        device: major and minor number of a device.
    """

    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def file(content: bytes, *, executable: bool = False) -> Entry:
    """A regular file."""
    return Entry(stat.S_IFREG | (0o755 if executable else 0o644), content)


def folder() -> Entry:
    """A folder."""
    return Entry(stat.S_IFDIR | 0o755)


def character_device(major: int, minor: int) -> Entry:
    """A character device, readable and writable by root."""
    return Entry(stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Mapping[str, Entry]) -> bytes:
    """The archive of *entries* by path, without a leading slash; their folders are added."""
    output = bytearray()
    for number, (path, entry) in enumerate(sorted(_with_folders(entries).items()), 1):
        _append(output, number, path, entry)
    _append(output, 0, "TRAILER!!!", Entry(0))
    _pad(output, _BLOCK)
    return bytes(output)


def _with_folders(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Linux creates no folder on the way to a file, so each is an entry before its files."""
    folders = {
        str(parent): folder()
        for path in entries
        for parent in PurePosixPath(path).parents
        if str(parent) != "."
    }
    return folders | dict(entries)


def _append(output: bytearray, number: int, path: str, entry: Entry) -> None:
    name = path.encode() + b"\0"
    links, size = 1, len(entry.content)
    fields = (
        *(number, entry.mode, 0, 0, links, 0, size, 0, 0),
        *(*entry.device, len(name), 0),
    )
    output += _MAGIC + b"".join(b"%08X" % field for field in fields) + name
    _pad(output, 4)
    output += entry.content
    _pad(output, 4)


def _pad(output: bytearray, size: int) -> None:
    output += bytes(-len(output) % size)
