"""Guest memory as a program has written it; everything else is zero."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

_PAGE: Final = 4096
_LAST: Final = (1 << 64) - 1  # addresses wrap


class Memory:
    """Pages of bytes, made when they are first written."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def write(self, address: int, words: Sequence[int]) -> None:
        """Store little-endian 64-bit *words* from *address* on."""
        data = struct.pack(f"<{len(words)}Q", *words)
        while data:
            page, offset = divmod(address & _LAST, _PAGE)
            part = data[: _PAGE - offset]
            content = self._pages.setdefault(page, bytearray(_PAGE))
            content[offset : offset + len(part)] = part
            address, data = address + len(part), data[len(part) :]

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Read *count* little-endian 64-bit words from *address* on."""
        data = bytearray()
        while len(data) < 8 * count:
            page, offset = divmod(address + len(data) & _LAST, _PAGE)
            size = min(8 * count - len(data), _PAGE - offset)
            data += self._pages.get(page, bytes(_PAGE))[offset : offset + size]
        return struct.unpack(f"<{count}Q", data)
