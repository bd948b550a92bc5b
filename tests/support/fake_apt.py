"""Programs of APT and dpkg that serve packages from a folder; PATH lists them first."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

URIS = """\
'http://mirror.example/debian/dists/bookworm/InRelease' mirror_InRelease 0
'http://mirror.example/security/dists/bookworm-security/InRelease' security_InRelease 0
'http://elsewhere.example/dists/nodistro/InRelease' elsewhere_InRelease 0
"""
APT_GET = """\
case "$*" in
  *--print-uris*) cat {folder}/uris ;;
  *' update '*) mkdir -p "${{2%/*}}/state/lists" &&
    touch "${{2%/*}}/state/lists/mirror_Packages" ;;
  *' download '*) eval "name=\\${{$#}}" && cp "{folder}/packages/$name"_*.deb . ;;
esac
"""
APT_CACHE = """\
eval "name=\\${{$#}}"
case "$*" in
  *' pkgnames '*) ls {folder}/shown ;;
  *) cat "{folder}/shown/$name" ;;
esac
"""


class FakeApt:
    """A mirror; a package is an archive, as dpkg-deb prints it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        for name in ("packages", "shown", "bin"):
            (folder / name).mkdir(parents=True)
        (folder / "uris").write_text(URIS)
        self.program("apt-get", APT_GET.format(folder=folder))
        self.program("apt-cache", APT_CACHE.format(folder=folder))
        self.program("dpkg-deb", 'cat "$2"')
        patch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def program(self, name: str, script: str) -> None:
        """Write a program that notes its arguments and runs *script*."""
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.folder}/calls\n{script}\n')
        path.chmod(0o755)

    def add(self, name: str, files: Mapping[str, bytes], depends: str = "") -> Path:
        """Offer version 1-1 of the package *name*."""
        fields = f"Package: {name}\nVersion: 1-1\nDepends: {depends}\n"
        (self.folder / "shown" / name).write_text(fields)
        return write_archive(self.folder / "packages" / f"{name}_1-1_amd64.deb", files)

    @property
    def calls(self) -> list[str]:
        """The command lines so far."""
        return (self.folder / "calls").read_text().splitlines()


def write_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a tar archive with *files* to *path*."""
    with tarfile.TarFile(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
