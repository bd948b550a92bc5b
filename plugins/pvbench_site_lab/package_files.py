"""
The files of a kernel in Debian packages.

Only an image and modules are read, and they are written under names of our own: nothing in
a package decides where a file goes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Final

import attrs

from pvbench.errors import UnavailableError
from pvbench.text import one_line

_IMAGE: Final = re.compile(r"\./(?:boot/vmlinuz-[^/]+|(?:usr/)?lib/modules/[^/]+/vmlinuz)")
_MODULE: Final = re.compile(
    r"\./(?:usr/)?lib/modules/[^/]+/kernel/(?:[\w+-]+/)+([\w+-]+)\.ko(\.xz|\.gz|\.zst)?"
)
_SOURCE: Final = re.compile(r"\./usr/src/linux-source-[^/]+\.tar\.[a-z0-9]+")
_LARGEST: Final = 1 << 27  # bytes of one file
_LARGEST_SOURCES: Final = 1 << 30  # bytes of an archive of sources
_LIMIT_S: Final = 600.0


@attrs.frozen
class PackedFile:
    """A file in a package; *suffix* is that of a compressed module."""

    archive: tarfile.TarFile
    member: tarfile.TarInfo
    suffix: str = ""

    def content(self) -> bytes:
        """
        Its bytes.

        Raises:
            UnavailableError: it is too large, or it cannot be read.
        """
        if self.member.size > _LARGEST:
            raise _damaged(self.member.name, f"it has {self.member.size} bytes")
        file = self.archive.extractfile(self.member)
        content = file.read() if file else b""
        if len(content) != self.member.size:
            raise _damaged(self.member.name, "it is cut off")
        return content

    def copy_to(self, target: IO[bytes]) -> None:
        """
        Write its bytes to *target*.

        Raises:
            UnavailableError: it is too large, or it cannot be read.
        """
        if self.member.size > _LARGEST_SOURCES:
            raise _damaged(self.member.name, f"it has {self.member.size} bytes")
        try:
            shutil.copyfileobj(self.archive.extractfile(self.member) or BytesIO(), target)
        except tarfile.TarError as error:
            raise _damaged(self.member.name, str(error)) from None


@attrs.frozen
class PackageFiles:
    """
    What packages contain of a kernel.

    Args:
        image: the vmlinuz; None if there is none.
        modules: the files of modules by module name, with underscores.
    """

    image: PackedFile | None
    modules: Mapping[str, PackedFile]


@contextmanager
def unpacked(packages: Iterable[Path], folder: Path) -> Iterator[PackageFiles]:
    """
    Look into *packages*; *folder* has room for their contents.

    Raises:
        UnavailableError: one of them cannot be unpacked.
    """
    image, modules = None, {}
    with ExitStack() as stack:
        for number, package in enumerate(packages):
            archive = stack.enter_context(_archive(package, folder / f"{number}.tar"))
            for member in _members(archive, package):
                if _IMAGE.fullmatch(member.name):
                    image = PackedFile(archive, member)
                elif match := _MODULE.fullmatch(member.name):
                    name = match[1].replace("-", "_")
                    modules[name] = PackedFile(archive, member, match[2] or "")
        yield PackageFiles(image, modules)


def write_source(package: Path, target: Path) -> None:
    """
    Write the archive of sources that is in *package* to *target*.

    Raises:
        UnavailableError: the package has none, or it cannot be unpacked.
    """
    whole = target.with_name(f"{target.name}.package")
    with _archive(package, whole) as archive, target.open("wb") as file:
        for member in _members(archive, package):
            if _SOURCE.fullmatch(member.name):
                PackedFile(archive, member).copy_to(file)
                break
        else:
            raise UnavailableError(f"package {package.name} has no sources of a kernel")
    whole.unlink()


def _members(archive: tarfile.TarFile, package: Path) -> list[tarfile.TarInfo]:
    """The regular files of a package."""
    try:
        return [member for member in archive.getmembers() if member.isreg()]
    except (tarfile.TarError, OSError, ValueError) as error:
        raise _damaged(package.name, str(error)) from None


@contextmanager
def _archive(package: Path, target: Path) -> Iterator[tarfile.TarFile]:
    """The files of a package as an archive that can be read in any order."""
    if (program := shutil.which("dpkg-deb")) is None:
        raise UnavailableError("there is no program dpkg-deb", fix="apt-get install dpkg")
    with target.open("wb") as file:
        _convert([program, "--fsys-tarfile", str(package)], file, package.name)
    try:
        archive = tarfile.TarFile(target)
    except (tarfile.TarError, OSError) as error:
        raise _damaged(package.name, str(error)) from None
    with archive:
        yield archive


def _convert(command: list[str], file: IO[bytes], name: str) -> None:
    try:
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.PIPE, check=False, timeout=_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise _damaged(name, f"dpkg-deb is not done within {_LIMIT_S:g} s") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        raise _damaged(name, one_line(" ".join(lines) or f"status {done.returncode}"))


def _damaged(name: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"{one_line(name)} cannot be unpacked",
        why=why,
        fix="Free some space if the disk is full, or try again.",
    )
