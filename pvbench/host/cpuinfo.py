"""The reader of /proc/cpuinfo, for every use."""

from __future__ import annotations

import errno
import re
from collections import Counter
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UsageError, not_readable
from pvbench.host.files import read_regular, unpacked

CPUINFO: Final = Path("/proc/cpuinfo")
_LSCPU: Final = re.compile(
    r"^(?:# The following is the parsable format|CPU +NODE\b|Architecture: |CPU\(s\): "
    r"|[0-9]+(?:,[0-9]*){3})",
    re.MULTILINE,
)
_VENDORS: Final = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}
_FIX: Final = "Use --guest dense:N."


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

    @property
    def vendor(self) -> str:
        """The vendor of the first CPU in one word, ``Intel``; empty if it is another one."""
        return _VENDORS.get(next(iter(self.values("vendor_id")), ""), "")

    @property
    def sockets(self) -> int:
        """The number of sockets of the CPUs; 1 if the kernel does not show it."""
        return max(1, len(set(self.values("physical id"))))

    @property
    def is_of_lscpu(self) -> bool:
        """Whether the text is an output of lscpu instead, in any of its forms."""
        return not self.values("processor") and _LSCPU.search(self.text) is not None

    @property
    def why_no_ids(self) -> str | None:
        """Why the text does not show the APIC ID of each CPU; None if it does."""
        ids, cpus = self.numbers("apicid"), len(self.values("processor"))
        if not ids:
            return self._why_none(cpus)
        if cpus and len(ids) != cpus:
            return f"it has {len(ids)} lines `apicid` for {cpus} CPUs"
        counts = Counter(ids).most_common(1)
        if counts[0][1] > 1:
            return f"it gives APIC ID {counts[0][0]} to {counts[0][1]} CPUs"
        return None

    def _why_none(self, cpus: int) -> str:
        if not cpus:
            return "it is not the text of /proc/cpuinfo"
        if not (self.flags or self.values("vendor_id")):
            return "it is not of an x86 machine"
        if cpus == 1:
            return "its kernel was built without SMP"
        return "the lines `apicid` are missing"


def read(path: Path = CPUINFO) -> CpuInfo:
    """
    Read *path*, which gzip may have packed.

    A byte that is not UTF-8, as in some model names, becomes U+FFFD.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        content = unpacked(read_regular(path))
    except EOFError as error:
        raise OSError(errno.EIO, f"it is cut off or damaged: {error}") from None
    return CpuInfo(content.decode(errors="replace"))


def read_with_ids(path: Path) -> CpuInfo:
    """
    Read *path*, which shows the APIC ID of each online CPU.

    Raises:
        UsageError: it cannot be read, or does not show them.
    """
    try:
        info = read(path)
    except OSError as error:
        raise not_readable(path, error, _FIX) from None
    if info.is_of_lscpu:
        raise UsageError(
            f"{path} does not show the APIC IDs",
            why="it is an output of lscpu, which has none",
            fix="Use /proc/cpuinfo of that machine, as cpuinfo:FILE.",
        )
    if why := info.why_no_ids:
        raise UsageError(f"{path} does not show the APIC IDs", why=why, fix=_FIX)
    return info


def read_or_empty(path: Path = CPUINFO) -> CpuInfo:
    """Read *path*, or return a `CpuInfo` without any field if that fails."""
    try:
        return read(path)
    except OSError:
        return CpuInfo("")
