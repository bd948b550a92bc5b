"""Read sections, symbols and relocations of an object file for x86-64, see elf(5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

import attrs

SHF_EXECINSTR: Final = 4
SHF_STRINGS: Final = 0x20
STT_OBJECT: Final = 1
STT_FUNC: Final = 2
STT_SECTION: Final = 3
_MAGIC: Final = b"\x7fELF\x02\x01"  # 64 bits, the lowest byte first
_SHT_SYMTAB: Final = 2
_SHT_RELA: Final = 4
_SHT_NOBITS: Final = 8
_HEADER: Final = struct.Struct("<IIQQQQIIQQ")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_SYMBOL: Final = struct.Struct("<IBBHQQ")
_RELOCATION: Final = struct.Struct("<QIIq")


class Section(NamedTuple):
    """A section and its content."""

    name: str
    kind: int
    flags: int
    content: bytes
    link: int
    info: int


class Symbol(NamedTuple):
    """A symbol; *section* is a number."""

    name: str
    kind: int
    section: int
    value: int
    size: int


class Relocation(NamedTuple):
    """A field of a section that the linker fills with the address of *symbol*, a number."""

    offset: int
    kind: int
    symbol: int
    addend: int


@attrs.frozen(slots=False)
class ObjectFile:
    """
    The object file with this *content*.

    Its properties raise ValueError, LookupError or struct.error if it is none.
    """

    content: bytes

    @cached_property
    def sections(self) -> list[Section]:
        """The sections, by number."""
        if not self.content.startswith(_MAGIC):
            raise ValueError("it is not an object file for x86-64")
        (start,) = struct.unpack_from("<Q", self.content, 0x28)
        size, count, names = struct.unpack_from("<HHH", self.content, 0x3A)
        headers = [_HEADER.unpack_from(self.content, start + n * size) for n in range(count)]
        texts = self._content_of(headers[names])
        return [
            Section(_text(texts, h[0]), h[1], h[2], self._content_of(h), h[6], h[7])
            for h in headers
        ]

    def _content_of(self, header: tuple[int, ...]) -> bytes:
        _, kind, _, _, offset, size, *_ = header
        return b"" if kind == _SHT_NOBITS else self.content[offset : offset + size]

    @cached_property
    def symbols(self) -> list[Symbol]:
        """The symbols, by number."""
        table = next(section for section in self.sections if section.kind == _SHT_SYMTAB)
        texts = self.sections[table.link].content
        return [
            Symbol(_text(texts, name), info & 0xF, section, value, size)
            for name, info, _, section, value, size in _SYMBOL.iter_unpack(table.content)
        ]

    def relocations(self, number: int) -> Iterator[Relocation]:
        """The relocations of the section with this number."""
        for section in self.sections:
            if section.kind == _SHT_RELA and section.info == number:
                for offset, kind, symbol, addend in _RELOCATION.iter_unpack(section.content):
                    yield Relocation(offset, kind, symbol, addend)


def _text(texts: bytes, start: int) -> str:
    return texts[start : texts.index(b"\0", start)].decode(errors="replace")


def loadable(content: bytes) -> bytes:
    """
    The program or library with this *content* as far as it is loaded.

    What follows are symbols for debuggers and the table of sections, which may be larger
    than the rest.

    Raises:
        ValueError, struct.error: it is none.
    """
    if not content.startswith(_MAGIC):
        raise ValueError("it is not a program for x86-64")
    (start,) = struct.unpack_from("<Q", content, 0x20)
    size, count = struct.unpack_from("<HH", content, 0x36)
    segments = [_SEGMENT.unpack_from(content, start + n * size) for n in range(count)]
    end = max(offset + length for _, _, offset, _, _, length, *_ in segments)
    output = bytearray(content[:end])
    struct.pack_into("<Q", output, 0x28, 0)
    struct.pack_into("<HH", output, 0x3C, 0, 0)
    return bytes(output)
