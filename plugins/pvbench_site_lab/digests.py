"""The digests of the files in a folder, which show damage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pvbench.host.files import read_regular


def of_files(folder: Path, besides: str) -> dict[str, str]:
    """The digest of each file below *folder* by its path there, without the file *besides*."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    return {
        name: _digest_of(path)
        for name, path in sorted(files.items())
        if path.is_file() and name != besides
    }


def damage(folder: Path, digests: Mapping[str, str]) -> tuple[Path, str] | None:
    """The first file below *folder* that differs from its digest, and how; None without one."""
    for name, digest in digests.items():
        path = folder / name
        try:
            is_intact = _digest_of(path) == digest
        except OSError as error:
            return path, str(error.strerror or error)
        if not is_intact:
            return path, "its content is not what was stored"
    return None


def _digest_of(path: Path) -> str:
    return hashlib.sha256(read_regular(path)).hexdigest()
