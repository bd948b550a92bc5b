"""A kernel that QEMU boots: a file, a folder with one, or an installed release."""

from __future__ import annotations

import hashlib
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UsageError, not_readable
from pvbench.host.files import open_regular

BOOT: Final = Path("/boot")
MODULES: Final = Path("/lib/modules")
_IMAGES: Final = ("vmlinux", "vmlinuz", "arch/x86/boot/bzImage", "bzImage")
_HEADER: Final = 1 << 15  # bytes of an image that its setup header and version are in
_MAGIC: Final = slice(0x202, 0x206)  # Documentation/arch/x86/boot.rst, "header"
_VERSION: Final = struct.Struct("<H")  # "kernel_version", at 0x20e, relative to 0x200
_ELF: Final = b"\x7fELF"
_EM_X86_64: Final = 62  # at 18


@attrs.frozen(kw_only=True)
class Kernel:
    """
    A kernel that QEMU can boot.

    Args:
        name: as a user writes it.
        release: as `uname -r` prints it there, or the name of its file.
        image: a bzImage, or the ELF file vmlinux.
        modules: the folder that its modules are below; None if it needs none.
        functions: a file with its functions as they were compiled; None if it was not
            built here.
        facts: facts of it for results, such as the package that it is from.
    """

    name: str
    release: str
    image: Path
    modules: Path | None = None
    functions: Path | None = None
    facts: dict[str, str] = attrs.field(factory=dict)


def key_of(image: bytes) -> str:
    """The key of a kernel with that image, in the names of files that are made from it."""
    return hashlib.sha256(image).hexdigest()[:16]


def installed(release: str) -> Kernel | None:
    """The kernel of this machine with that release; None if there is none."""
    image = BOOT / f"vmlinuz-{release}"
    if not image.exists():
        return None
    return Kernel(name=release, release=release, image=image, modules=MODULES / release)


def of_path(name: str, path: Path, modules: Path | None = None) -> Kernel:
    """
    The kernel called *name* whose image is *path* or in the folder *path*.

    Its modules are in *modules*, or else where its package or `make modules_install`
    puts them.

    Raises:
        UsageError: the image is missing, or it is not one for this architecture.
    """
    image = _image_in(path) if path.is_dir() else path
    release = release_of(image)
    folder = modules or _modules_beside(image, release)
    return Kernel(name=name, release=release, image=image, modules=folder)


def has_image(folder: Path) -> bool:
    """Whether a kernel is in *folder*, such as a tree in which one was built."""
    return any((folder / name).is_file() for name in _IMAGES)


def _image_in(folder: Path) -> Path:
    for image in (folder / name for name in _IMAGES):
        if image.is_file():
            return image
    raise UsageError(
        f"{folder} has no kernel",
        why=f"none of {', '.join(_IMAGES)} is in it",
        fix="Name the file, or build the kernel first.",
    )


def _modules_beside(image: Path, release: str) -> Path | None:
    """The modules in a folder ``modules`` beside, at the place of packages, or none."""
    folder = image.resolve().parent
    candidates = (
        folder / "modules",
        folder / "lib/modules" / release,
        folder.parent / "lib/modules" / release,
        folder.parent / "usr/lib/modules" / release,
        folder / "kernel",  # /lib/modules/RELEASE/vmlinuz
    )
    if (folder / "arch/x86/kvm/kvm-amd.ko").exists():  # a tree in which it was built
        return folder
    return next((path for path in candidates if path.is_dir()), None)


def release_of(image: Path) -> str:
    """
    The release that *image* says it is; the name of the file if it is a vmlinux.

    Raises:
        UsageError: it cannot be read, or it is no kernel for x86-64.
    """
    try:
        with os.fdopen(open_regular(image), "rb") as file:
            header = file.read(_HEADER)
    except (OSError, ValueError) as error:
        failure = error if isinstance(error, OSError) else OSError(str(error))
        raise not_readable(f"kernel {image}", failure) from None
    if header[_MAGIC] == b"HdrS":
        return _release_in(header) or image.name
    if header[:4] == _ELF and header[18:20] == _EM_X86_64.to_bytes(2, "little"):
        return image.name
    raise UsageError(
        f"{image} is not a kernel for x86-64",
        why="it is neither a bzImage nor an ELF file of that architecture",
        fix="Name the vmlinuz or the vmlinux of an x86-64 kernel.",
    )


def _release_in(header: bytes) -> str:
    """The first word of the version that a bzImage prints."""
    (offset,) = _VERSION.unpack_from(header, 0x20E)
    text = header[offset + 0x200 :].partition(b"\0")[0] if offset else b""
    with suppress(UnicodeDecodeError, IndexError):
        release = text.decode("ascii").split()[0]
        return release if release.isprintable() and "/" not in release else ""
    return ""
