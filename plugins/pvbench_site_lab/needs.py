"""What a lab needs of this machine, and the command that installs each missing piece."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench.host.files import read_regular
from pvbench_site_lab.qemu import PROGRAM

_FIRMWARE: Final = {
    "bios-256k.bin": ("SeaBIOS", "seabios"),
    "pvh.bin": ("QEMU's PVH loader", "qemu-system-data"),
}
_LIMIT_S: Final = 60.0
_MEMINFO: Final = Path("/proc/meminfo")
_AVAILABLE: Final = re.compile(rb"^MemAvailable:\s*([0-9]{1,20}) kB", re.MULTILINE)
_KIB: Final = 1 << 20  # of a lab with one CPU


@attrs.frozen
class Need:
    """A missing piece, and the Debian package that has it; '' if none has."""

    piece: str
    package: str = ""

    def __str__(self) -> str:
        return f"{self.piece} (apt-get install {self.package})" if self.package else self.piece


def missing() -> list[Need]:
    """The pieces that this machine lacks."""
    if reason := why_not_here():
        return [Need(reason)]
    path = shutil.which(PROGRAM)
    if path is None:
        return [Need(f"there is no {PROGRAM}", "qemu-system-x86")]
    return list(_missing_files(_data_folders(Path(path))))


def why_not_here() -> str | None:
    """Why this machine cannot run a lab, whatever is installed; None if it can."""
    machine = platform.machine()
    if machine == "x86_64":
        return None
    return f"a lab emulates x86-64 for the programs of this machine, which is {machine}"


def why_unavailable() -> str | None:
    """The missing pieces as a sentence; None if nothing is missing."""
    return "; ".join(map(str, missing())) or None


def _missing_files(folders: list[Path]) -> Iterator[Need]:
    for file, (name, package) in _FIRMWARE.items():
        if folders and not any((folder / file).exists() for folder in folders):
            yield Need(f"{name} is missing", package)


def _data_folders(program: Path) -> list[Path]:
    """The folders that QEMU reads its data from; none if it does not say."""
    return [Path(line) for line in _lines_of(program, "-L", "help") if line.startswith("/")]


def most_labs() -> int:
    """The labs that this machine has CPUs and memory for at once, at least one."""
    usable = len(os.sched_getaffinity(0))
    with suppress(OSError):
        if match := _AVAILABLE.search(read_regular(_MEMINFO)):
            return max(1, min(usable, int(match[1]) // _KIB))
    return usable


def version_of(program: Path) -> str:
    """The version that QEMU prints."""
    lines = _lines_of(program, "--version")
    return lines[0].removeprefix("QEMU emulator version ") if lines else "unknown"


def _lines_of(program: Path, *words: str) -> list[str]:
    """The lines that QEMU prints; none if it cannot be run."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [program, *words], capture_output=True, text=True, check=False, timeout=_LIMIT_S
        )
        return done.stdout.splitlines()
    return []
