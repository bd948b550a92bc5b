"""Compile a kernel out of its tree, with the configuration of a lab."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pvbench import notices
from pvbench.errors import UnavailableError
from pvbench.text import one_line
from pvbench_site_lab import programs

CONFIGURATION: Final = Path(__file__).with_name("lab.config")
# Without these options a kernel does not boot in a lab, or has no KVM there.
_ESSENTIAL: Final = ("KVM_AMD", "PVH", "BLK_DEV_INITRD", "SERIAL_8250_CONSOLE", "DEVTMPFS")
_PROGRAMS: Final = {
    "make": "make",
    "gcc": "gcc",
    "ld": "binutils",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
}
_HEADERS: Final = {"gelf.h": "libelf-dev"}
# Two builds of the same sources give the same image, whoever builds them, and when.
_SAME: Final = (
    *("KBUILD_BUILD_TIMESTAMP=2026-01-01", "KBUILD_BUILD_VERSION=1"),
    *("KBUILD_BUILD_USER=pvbench", "KBUILD_BUILD_HOST=lab", "LOCALVERSION="),
)
_LIMIT_S: Final = 4 * 3600.0
_GCC_S: Final = 60.0  # on a busy host
_ERROR: Final = re.compile(r"error|\*\*\*|not clean|undefined reference", re.IGNORECASE)
_LARGEST_LOG: Final = 1 << 20  # bytes that are read


def key() -> str:
    """Changes with the configuration."""
    return hashlib.sha256(CONFIGURATION.read_bytes()).hexdigest()[:8]


def missing() -> list[str]:
    """The Debian packages that this machine lacks for a build."""
    return list(dict.fromkeys(_missing()))


def _missing() -> Iterator[str]:
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            yield package
    for header, package in _HEADERS.items():
        words = ("-E", "-include", header, "-xc", os.devnull, "-o", os.devnull)
        if shutil.which("gcc") and _gcc(*words).returncode:
            yield package


def vmlinux(source: Path, objects: Path, name: str) -> None:
    """
    Compile the kernel called *name* in *source*; *objects* then has vmlinux.

    `check` says beforehand what a build needs.

    Raises:
        UnavailableError: the kernel does not compile.
    """
    objects.mkdir(parents=True, exist_ok=True)
    if not (objects / "vmlinux").exists():
        notices.say(f"building {name}; the first build takes minutes")
    _make(source, objects, name, "allnoconfig")
    _check_configuration(objects, name)
    _make(source, objects, name, "vmlinux")


def check() -> None:
    """
    Refuse to build where a program is missing.

    Raises:
        UnavailableError: one is.
    """
    if packages := missing():
        raise UnavailableError(
            "a kernel cannot be built here",
            why=f"{', '.join(packages)} {'is' if len(packages) == 1 else 'are'} missing",
            fix=f"apt-get install --no-install-recommends {' '.join(packages)}",
        )


def compiler() -> str:
    """The compiler as it calls itself."""
    return one_line(_gcc("--version").stdout.partition("\n")[0])


def _gcc(*words: str) -> subprocess.CompletedProcess[str]:
    """Let the compiler do something short."""
    return programs.run(["gcc", *words], Path("/"), _GCC_S, missing="apt-get install gcc")


def release(objects: Path) -> str:
    """The release of the kernel, as `uname -r` prints it there."""
    return (objects / "include/config/kernel.release").read_text().strip()


def _make(source: Path, objects: Path, name: str, goal: str) -> None:
    """
    Run make.

    Raises:
        UnavailableError: it fails, and why.
    """
    command = [
        *("make", "-s", "-C", str(source), f"O={objects}", f"-j{_cpus()}", *_SAME),
        *(f"KCONFIG_ALLCONFIG={CONFIGURATION}", goal),
    ]
    path = objects / f"{goal}.log"
    done = programs.run(
        command,
        source,
        _LIMIT_S,
        missing="apt-get install make",
        late=f"It is building {name}, and {path} has its output.",
        log=path,
    )
    if done.returncode:
        raise UnavailableError(
            f"{name} cannot be built: make {goal} fails",
            why=_first_error(path),
            fix=f"{path} has the output of make.",
        )


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


def _first_error(path: Path) -> str:
    with path.open("rb") as log:
        lines = log.read(_LARGEST_LOG).decode(errors="replace").splitlines()
    errors = [line for line in lines if _ERROR.search(line)]
    return one_line((errors or lines or ["make prints nothing"])[0])


def _check_configuration(objects: Path, name: str) -> None:
    """
    Refuse a kernel that lacks an option without which no lab works.

    Raises:
        UnavailableError: it lacks one.
    """
    lines = set((objects / ".config").read_text().splitlines())
    lost = [option for option in _ESSENTIAL if f"CONFIG_{option}=y" not in lines]
    if lost:
        raise UnavailableError(
            f"{name} cannot be built for a lab",
            why=f"its configuration has no {', '.join(lost)}",
            fix="Name the tree of a kernel from 5.10 on, for x86-64.",
        )
