"""The reader of /proc/cpuinfo, for every use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import attrs

from pvbench.host.files import read_regular

CPUINFO: Final = Path("/proc/cpuinfo")


@attrs.frozen
class CpuInfo:
    """The text of /proc/cpuinfo: lines of ``name : value`` for each online CPU."""

    text: str

    def values(self, name: str) -> list[str]:
        """Values of the field *name* in the kernel's order of CPUs, without empty ones."""
        lines = re.findall(rf"^{re.escape(name)}[ \t]*:(.*)$", self.text, re.MULTILINE)
        return [value for line in lines if (value := line.strip(" \t"))]

    def numbers(self, name: str) -> tuple[int, ...]:
        """Values of the field *name* that are decimal numbers of a possible length."""
        numbers = re.compile(r"[0-9]{1,20}")
        return tuple(int(value) for value in self.values(name) if numbers.fullmatch(value))

    @property
    def flags(self) -> frozenset[str]:
        """CPU flags of the first CPU; empty if the kernel lists none, as on other CPUs."""
        return frozenset(" ".join(self.values("flags")[:1]).split())


def read(path: Path = CPUINFO) -> CpuInfo:
    """
    Read *path*; a byte that is not UTF-8, as in some model names, becomes U+FFFD.

    Raises:
        OSError: the file cannot be read.
    """
    return CpuInfo(read_regular(path).decode(errors="replace"))


def read_or_empty(path: Path = CPUINFO) -> CpuInfo:
    """Read *path*, or return a `CpuInfo` without any field if that fails."""
    try:
        return read(path)
    except OSError:
        return CpuInfo("")
