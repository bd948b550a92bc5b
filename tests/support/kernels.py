"""Kernel images made for tests: a header, a payload, and an ELF file with notes."""

from __future__ import annotations

import struct

PVH_NOTE = struct.pack("<III", 4, 4, 18) + b"Xen\0" + struct.pack("<I", 0x1000000)
OTHER_NOTE = struct.pack("<III", 4, 8, 3) + b"GNU\0" + b"build-id"


def vmlinux(*notes: bytes) -> bytes:
    """An ELF file for x86-64 with a segment of *notes*."""
    segment = b"".join(notes)
    header = b"\x7fELF\x02\x01" + bytes(10) + struct.pack("<HHI", 2, 62, 1)
    header += struct.pack("<QQQIHHHHHH", 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    place = 64 + 56
    program = struct.pack("<IIQQQQQQ", 4, 4, place, 0, 0, len(segment), len(segment), 4)
    return header + program + segment


def bz_image(payload: bytes, release: str = "6.1.0-56-amd64") -> bytes:
    """A bzImage with one sector of setup beside the boot sector."""
    image = bytearray(1024)
    image[0x1F1] = 1
    image[0x202:0x206] = b"HdrS"
    image[0x20E:0x210] = struct.pack("<H", 0x100)
    text = f"{release} (debian) #1 SMP\0".encode()
    image[0x300 : 0x300 + len(text)] = text
    image[0x248:0x250] = struct.pack("<II", 16, len(payload))
    return bytes(image) + bytes(16) + payload
