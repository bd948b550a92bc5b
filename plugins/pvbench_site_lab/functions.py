"""
The functions of a kernel, each with a digest of its code.

The code is that of the object file from which vmlinux is linked.  Where a function refers
to another function, to data or to a text, the name or the text counts instead of the
address.  So the digests of two builds differ only in functions that are compiled
differently, also if a function that the compiler inlined in them was changed.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import attrs

from pvbench_site_lab.elf import (
    SHF_EXECINSTR,
    SHF_STRINGS,
    STT_FUNC,
    STT_OBJECT,
    STT_SECTION,
    ObjectFile,
    Relocation,
    Symbol,
)

_WIDE: Final = (1, 24)  # R_X86_64_64 and R_X86_64_PC64 fill 8 bytes, all others 4
_RELATIVE: Final = (2, 4)  # R_X86_64_PC32 and R_X86_64_PLT32 count from the end of the field
# A call, a jump and a conditional jump, before the 4 bytes of their distance.
_BRANCH: Final = re.compile(rb"[\xe8\xe9]|\x0f[\x80-\x8f]")
_DISTANCE: Final = struct.Struct("<i")
_COLD: Final = re.compile(r"\.cold(\.[0-9]+)?$")
# The numbers of static variables and of unique names change with the code before them.
_NUMBER: Final = re.compile(r"(?<=\.)[0-9]+$|(?<=__UNIQUE_ID_).*$")
_INIT: Final = ".init.text"
_UNREADABLE: Final = (ArithmeticError, LookupError, ValueError, struct.error, StopIteration)


class Function(NamedTuple):
    """
    The functions with one name.

    Args:
        digest: of the code of all of them.
        is_init: whether they run only while the kernel starts.
    """

    digest: str
    is_init: bool


Functions = dict[str, Function]


def of_object(content: bytes) -> Functions:
    """The functions of an object file, by name; none if it cannot be read."""
    try:
        return _functions(_Code(ObjectFile(content)))
    except _UNREADABLE:
        return {}


def keep(objects: Path, path: Path) -> None:
    """Write the functions of the kernel that was compiled into *objects* to *path*."""
    write(of_object((objects / "vmlinux.o").read_bytes()), path)


def write(functions: Functions, path: Path) -> None:
    """Write *functions* to *path*."""
    path.write_text(json.dumps(functions))


def read(path: Path | None) -> Functions:
    """The functions in the file *path*; none if there is no such file."""
    if path is None:
        return {}
    try:
        return {name: Function(*row) for name, row in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def changed(one: Functions, other: Functions) -> Functions:
    """The functions of *other* that *one* does not have, or has with other code."""
    return {name: function for name, function in other.items() if one.get(name) != function}


def _functions(code: _Code) -> Functions:
    digests: dict[str, list[str]] = defaultdict(list)
    is_init: dict[str, bool] = {}
    for symbol, digest in code.digests():
        name = _COLD.sub("", symbol.name)
        digests[name].append(digest)
        if name == symbol.name:
            is_init[name] = code.object.sections[symbol.section].name == _INIT
    return {
        name: Function(_digest("".join(parts)), is_init.get(name, False))
        for name, parts in digests.items()
    }


def _digest(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(content).hexdigest()[:16]


@attrs.frozen(slots=False)
class _Code:
    """The code of an object file, with names in the place of addresses."""

    object: ObjectFile

    @cached_property
    def _by_section(self) -> dict[int, list[Symbol]]:
        """The functions and variables of each section, by address."""
        symbols: dict[int, list[Symbol]] = defaultdict(list)
        for symbol in self.object.symbols:
            if symbol.kind in (STT_FUNC, STT_OBJECT) and symbol.size:
                symbols[symbol.section].append(symbol)
        for in_section in symbols.values():
            in_section.sort(key=lambda symbol: (symbol.value, symbol.name))
        return symbols

    @cached_property
    def _addresses(self) -> dict[int, list[int]]:
        return {n: [symbol.value for symbol in all_] for n, all_ in self._by_section.items()}

    def digests(self) -> Iterator[tuple[Symbol, str]]:
        """Each function and the digest of its code."""
        for number, section in enumerate(self.object.sections):
            if section.flags & SHF_EXECINSTR:
                fields = sorted(self.object.relocations(number))
                offsets = [field.offset for field in fields]
                for symbol in self._by_section.get(number, ()):
                    if symbol.kind == STT_FUNC:
                        first = bisect_right(offsets, symbol.value - 1)
                        last = bisect_right(offsets, symbol.value + symbol.size - 1)
                        yield symbol, self._digest_of(symbol, fields[first:last])

    def _digest_of(self, symbol: Symbol, fields: list[Relocation]) -> str:
        start, end = symbol.value, symbol.value + symbol.size
        content = bytearray(self.object.sections[symbol.section].content[start:end])
        references = []
        for field in fields:
            place, size = field.offset - start, 8 if field.kind in _WIDE else 4
            content[place : place + size] = bytes(size)
            references.append(f"{place} {self._target(field)}")
        for place, name in self._branches(symbol, bytes(content)):
            content[place : place + _DISTANCE.size] = bytes(_DISTANCE.size)
            references.append(f"{place} {name}")
        return _digest(bytes(content) + "\n".join(references).encode())

    def _branches(self, symbol: Symbol, content: bytes) -> Iterator[tuple[int, str]]:
        """
        The branches to other functions of the section, which have no relocations.

        Yields:
            the place of the distance, and the name of the function.
        """
        for match in _BRANCH.finditer(content, 0, max(0, len(content) - _DISTANCE.size)):
            place = match.end()
            if place + _DISTANCE.size <= len(content):
                (distance,) = _DISTANCE.unpack_from(content, place)
                address = symbol.value + place + _DISTANCE.size + distance
                target = self._symbol_at(symbol.section, address)
                if distance and target and target != symbol and target.value == address:
                    yield place, _NUMBER.sub("", target.name)

    def _target(self, field: Relocation) -> str:
        """What a relocation refers to, without its address."""
        symbol = self.object.symbols[field.symbol]
        if symbol.kind != STT_SECTION:
            return f"{_NUMBER.sub('', symbol.name)} {field.addend}"
        section = self.object.sections[symbol.section]
        address = field.addend + (4 if field.kind in _RELATIVE else 0)
        if section.flags & SHF_STRINGS:
            return section.content[address : section.content.index(b"\0", address)].hex()
        if target := self._symbol_at(symbol.section, address):
            return f"{_NUMBER.sub('', target.name)} {address - target.value}"
        return section.name

    def _symbol_at(self, section: int, address: int) -> Symbol | None:
        """The function or the variable that contains *address*; None without one."""
        place = bisect_right(self._addresses.get(section, []), address) - 1
        symbol = self._by_section[section][place] if place >= 0 else None
        return symbol if symbol and address < symbol.value + symbol.size else None
