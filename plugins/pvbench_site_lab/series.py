"""A series of patches for the sources of a kernel: the files ``*.patch`` of a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UsageError, not_readable
from pvbench.host.files import read_regular
from pvbench.text import printable

# In a checkout only: the patches are GPL-2.0, and an installed pvbench does not have them.
PROPOSALS: Final = Path(__file__).parents[2] / "patches/proposals"
_FIX: Final = "Name a folder that `git format-patch -o DIR` has written."
_LARGEST: Final = 1 << 24  # bytes of a patch


@attrs.frozen
class Patch:
    """A patch; bytes of its *content* that are not UTF-8 are surrogates."""

    name: str
    content: str

    @property
    def data(self) -> bytes:
        """The bytes of its file."""
        return self.content.encode(errors="surrogateescape")


@attrs.frozen
class Series:
    """Patches that are applied in this order; no patches are the sources as they are."""

    name: str = ""
    patches: tuple[Patch, ...] = ()

    @property
    def key(self) -> str:
        """The SHA-256 of what it applies."""
        contents = [patch.content for patch in self.patches]
        return hashlib.sha256(json.dumps(contents).encode()).hexdigest()

    @property
    def facts(self) -> dict[str, str]:
        """Facts of it for results; none of sources as they are."""
        if not self.patches:
            return {}
        names = ", ".join(printable(patch.name) for patch in self.patches)
        return {"lab_patches": names, "lab_patches_sha256": self.key}


def series_in(folder: Path) -> Series:
    """
    The series in *folder*, in the order of the names of its files; it is called as the folder.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    try:
        paths = sorted(folder.glob("*.patch")) if folder.is_dir() else []
        patches = tuple(Patch(path.name, _content_of(path)) for path in paths)
    except OSError as error:
        raise not_readable(f"a patch in {folder}", error) from None
    if not patches:
        raise _none_in(folder)
    return Series(folder.resolve().name, patches)


def _content_of(path: Path) -> str:
    return read_regular(path, _LARGEST).decode(errors="surrogateescape")


def _none_in(folder: Path) -> UsageError:
    if folder == PROPOSALS:
        return UsageError(
            "the patches of the proposals are only in a checkout of pvbench",
            why="they are GPL-2.0, and pvbench is MIT",
            fix="Check out pvbench, and name its folder patches/proposals with --patches.",
        )
    if not folder.is_dir():
        is_what = "is not a folder" if folder.exists() else "does not exist"
        return UsageError(f"{folder} {is_what}", fix=_FIX)
    return UsageError(
        f"{folder} has no patches",
        why="no file there has a name that ends in .patch",
        fix=_FIX,
    )
