"""
Unpack a bzImage to the ELF file vmlinux, which QEMU boots by its PVH entry.

The kernel need not be decompressed under emulation then, which takes longer than the
rest of its boot.
"""

from __future__ import annotations

import bz2
import lzma
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from pvbench.errors import UnavailableError

_ELF: Final = b"\x7fELF"
_PT_NOTE: Final = 4  # <elf.h>
_PHYS32_ENTRY: Final = 18  # XEN_ELFNOTE_PHYS32_ENTRY, Documentation/arch/x86/x86_64/boot
LARGEST: Final = 1 << 30  # bytes of an image
_LIMIT_S: Final = 120.0
# Programs that decompress what Python cannot, with the package that has each.
PROGRAMS: Final = {"zstd": "zstd", "lz4": "lz4"}

Unpack = Callable[[bytes], bytes]


def payload_of(image: bytes) -> bytes:
    """
    The compressed vmlinux in a bzImage.

    Raises:
        UnavailableError: it has none.
        ValueError: it is cut off.
    """
    if image[0x202:0x206] != b"HdrS" or len(image) < 0x250:
        raise UnavailableError("it is not a bzImage")
    sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    payload = image[start : start + length]
    if len(payload) != length or length < 6:
        raise ValueError("it is cut off")
    return payload


def vmlinux_of(image: bytes) -> bytes:
    """
    The ELF file in a bzImage, or *image* if it is one.

    Raises:
        UnavailableError: it cannot be unpacked here, and why.
        ValueError: it is damaged, and how.
    """
    if image.startswith(_ELF):
        return image
    payload = payload_of(image)
    for magic, unpack in _FORMATS:
        if payload.startswith(magic):
            content = unpack(payload)
            if content.startswith(_ELF):
                return content
            raise ValueError("its payload is not an ELF file")
    raise UnavailableError(f"its payload begins with {payload[:6].hex()}")


def has_pvh_entry(vmlinux: bytes) -> bool:
    """Whether QEMU can boot *vmlinux* by PVH: whether it has the ELF note for that."""
    if not vmlinux.startswith(_ELF + b"\x02\x01"):
        return False
    (offset,) = struct.unpack_from("<Q", vmlinux, 32)
    size, count = struct.unpack_from("<HH", vmlinux, 54)
    headers = (struct.unpack_from("<IIQQQQ", vmlinux, offset + size * i) for i in range(count))
    notes = (
        vmlinux[start : start + length]
        for kind, _, start, _, _, length in headers
        if kind == _PT_NOTE
    )
    return any(_PHYS32_ENTRY in _xen_notes(segment) for segment in notes)


def _xen_notes(segment: bytes) -> set[int]:
    """The types of the notes of Xen in a segment of notes."""
    types, at = set(), 0
    while at + 12 <= len(segment):
        name_size, size, kind = struct.unpack_from("<III", segment, at)
        if segment[at + 12 : at + 16] == b"Xen\0":
            types.add(kind)
        at += 12 + -(-name_size // 4) * 4 + -(-size // 4) * 4
    return types


class _Decompressor(Protocol):
    """An object of Python's modules; it ignores what follows the compressed data."""

    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _python(new: Callable[[], _Decompressor]) -> Unpack:
    def unpack(payload: bytes) -> bytes:
        decompressor = new()
        try:
            content = decompressor.decompress(payload)
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
            raise ValueError(f"its payload is damaged: {error}") from None
        if not decompressor.eof:
            raise ValueError("its payload is cut off")
        return content

    return unpack


def _program(name: str) -> Unpack:
    """The program *name* decompresses; 4 bytes after the data are the size of the result."""

    def unpack(payload: bytes) -> bytes:
        return decompressed_by(name, payload[:-4])

    return unpack


def decompressed_by(name: str, content: bytes) -> bytes:
    """
    *content* as the program *name* decompresses it.

    Raises:
        UnavailableError: the program is missing.
        ValueError: the program fails.
    """
    if (path := shutil.which(name)) is None:
        raise UnavailableError(f"it is compressed with {name}, and there is no program {name}")
    done = subprocess.run(
        [path, "-dc"], input=content, capture_output=True, check=False, timeout=_LIMIT_S
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise ValueError(f"{name} cannot decompress it: {reason}")
    return done.stdout


_FORMATS: Final[tuple[tuple[bytes, Unpack], ...]] = (
    (_ELF, lambda payload: payload),  # CONFIG_KERNEL_UNCOMPRESSED
    (b"\x1f\x8b", _python(lambda: zlib.decompressobj(16 + zlib.MAX_WBITS))),
    (b"\xfd7zXZ\0", _python(lzma.LZMADecompressor)),
    (b"\x5d\0\0", _python(lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE))),
    (b"BZh", _python(bz2.BZ2Decompressor)),
    (b"\x28\xb5\x2f\xfd", _program("zstd")),
    (b"\x02\x21\x4c\x18", _program("lz4")),
)
