"""Read an archive in the format newc of cpio."""

from __future__ import annotations

from pvbench.qemu.cpio import Entry


def entries_of(content: bytes) -> dict[str, Entry]:
    """The entries of an archive by path."""
    entries: dict[str, Entry] = {}
    at = 0
    while content[at : at + 6] == b"070701":
        fields = [int(content[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = content[at + 110 : at + 109 + fields[11]].decode()
        at += -(-(110 + fields[11]) // 4) * 4
        if name == "TRAILER!!!":
            return entries
        assert name not in entries, f"{name} is in the archive twice"
        entries[name] = Entry(fields[1], content[at : at + fields[6]], (fields[9], fields[10]))
        at += -(-fields[6] // 4) * 4
    raise AssertionError("the archive has no trailer")
