"""What a guest is made of: QEMU, a kernel, and a file system with the programs."""

from __future__ import annotations

import re
import shutil
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
ADD_KERNEL: Final = "Add one: pvbench lab add 6.12."
_FOLDERS: Final = ("dev", "proc", "sys", "tmp")
_DIGITS: Final = re.compile(r"[0-9]+")


def prepared() -> Files:
    """
    The files of a guest, which are made if they are not in the cache.

    Raises:
        UnavailableError: one of them is missing and cannot be made.
    """
    kernel = newest()
    if kernel is None:
        raise UnavailableError("there is no kernel for the guest", fix=ADD_KERNEL)
    return Files(
        command=(shutil.which(QEMU) or QEMU,),
        kernel=str(_boot_file(kernel)),
        initramfs=str(_initramfs()),
        kernel_name=kernel.release,
    )


def newest() -> Kernel | None:
    """The kernel in the cache with the highest release; None if there is none."""
    kernels = [stored.kernel for stored in kernel_cache.kernels()]
    return max(kernels, key=lambda kernel: _numbers_of(kernel.release), default=None)


def _numbers_of(release: str) -> list[int]:
    return list(map(int, _DIGITS.findall(release)))


def _boot_file(kernel: Kernel) -> Path:
    """
    The file that QEMU boots: a vmlinux, which needs no decompression in the guest.

    Raises:
        UnavailableError: the kernel cannot be read.
    """
    try:
        image = read_regular(kernel.image, LARGEST)
    except OSError as error:
        reason = str(error.strerror or error)
        raise UnavailableError(f"{kernel.image} cannot be read", why=reason) from None
    path = cache_folder() / f"linux-kernel-{key_of(image)}"
    if not path.exists():
        try:
            content = vmlinux_of(image)
        except (ValueError, UnavailableError):
            return kernel.image
        if not has_pvh_entry(content):
            return kernel.image
        keep(content, path)
    return path if path.exists() else kernel.image


def _initramfs() -> Path:
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
