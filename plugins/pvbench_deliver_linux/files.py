"""What a guest is made of: QEMU, a kernel, and a file system with the programs."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError
from pvbench.host import compiled
from pvbench.host.cache import cache_folder, keep
from pvbench.host.compiled import Recipe
from pvbench.host.files import read_regular
from pvbench.qemu import cpio, kernel_cache
from pvbench.qemu.kernels import Kernel, key_of
from pvbench.qemu.vmlinux import LARGEST, has_pvh_entry, vmlinux_of
from pvbench_deliver_linux.settings import Files

QEMU: Final = "qemu-system-x86_64"
PROGRAMS: Final = Recipe(
    what="the programs of the Linux guest",
    stem="linux-guest",
    sources=Path(__file__).parent / "guest",
    flags=("-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra"),
    link_flags=("-static", "-pthread"),
    install="Install gcc and libc6-dev.",
)
_FOLDERS: Final = ("dev", "proc", "sys", "tmp")
_DIGITS: Final = re.compile(r"[0-9]+")
_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+")


def prepared(command: tuple[str, ...] | None = None) -> Files:
    """
    The files of a guest; its programs are compiled, which shows whether they can be.

    Args:
        command: the words that start QEMU; None for the program on PATH.

    Raises:
        UnavailableError: one of them is missing and cannot be made.
    """
    initramfs()
    return Files(
        command=command or (shutil.which(QEMU) or QEMU,),
        kernels={version: str(kernel.image) for version, kernel in kernels().items()},
    )


def kernels() -> dict[str, Kernel]:
    """The newest kernel in the cache of each version of Linux, ``6.12``."""
    newest: dict[str, Kernel] = {}
    cached = [stored.kernel for stored in kernel_cache.kernels()]
    for kernel in sorted(cached, key=lambda kernel: _numbers_of(kernel.release)):
        if match := _VERSION.match(kernel.release):
            newest[match[0]] = kernel
    return newest


def _numbers_of(release: str) -> list[int]:
    return list(map(int, _DIGITS.findall(release)))


def boot_file(image: Path) -> Path:
    """
    The file that QEMU boots of a kernel's *image*: if possible an unpacked vmlinux.

    It need not be decompressed in the guest.

    Raises:
        UnavailableError: the image cannot be read.
    """
    try:
        content = read_regular(image, LARGEST)
    except OSError as error:
        reason = str(error.strerror or error)
        raise UnavailableError(f"{image} cannot be read", why=reason) from None
    if has_pvh_entry(content):
        return image
    path = cache_folder() / f"linux-kernel-{key_of(content)}"
    if not path.exists() and (vmlinux := _vmlinux_in(content)):
        keep(vmlinux, path)
    return path if path.exists() else image


def _vmlinux_in(image: bytes) -> bytes | None:
    """The ELF file in *image*; None if QEMU cannot boot it."""
    with suppress(ValueError, UnavailableError):
        content = vmlinux_of(image)
        return content if has_pvh_entry(content) else None
    return None


def initramfs() -> Path:
    """
    The first file system of the guest.

    Raises:
        UnavailableError: its programs cannot be compiled, or it cannot be written.
    """
    path = cache_folder() / f"linux-initramfs-{compiled.key(PROGRAMS)}.cpio"
    if not path.exists():
        keep(archive(), path)
    if not path.exists():
        raise UnavailableError(f"{path} cannot be written")
    return path


def archive() -> bytes:
    """
    The archive of the first file system: the programs, and folders for what is mounted.

    Raises:
        UnavailableError: the programs cannot be compiled.
    """
    entries = {name: cpio.folder() for name in _FOLDERS}
    entries["dev/console"] = cpio.character_device(5, 1)
    entries["init"] = cpio.file(compiled.image(PROGRAMS), executable=True)
    return cpio.archive(entries)
