"""The kernels in the user's cache, as `pvbench lab` puts them there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import attrs

from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular
from pvbench.qemu.kernels import Kernel
from pvbench.shapes import json_value

IMAGE: Final = "vmlinuz"
MODULES: Final = "modules"
FUNCTIONS: Final = "functions.json"
FACTS: Final = "kernel.json"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,79}")


@attrs.frozen
class StoredKernel:
    """
    A kernel in the cache.

    Args:
        place: its folder.
        origin: the package or the file that it is from; '' if that is not known.
        size: bytes.
        digests: of its files, by path below *place*; none if they are not known.
    """

    kernel: Kernel
    place: Path
    origin: str
    size: int
    digests: dict[str, str]


def folder() -> Path:
    """The folder that has a folder for each kernel."""
    return cache_folder() / "kernels"


def kernels() -> list[StoredKernel]:
    """All kernels in the cache, by name."""
    names = os.listdir(folder()) if folder().is_dir() else []
    return [kernel for name in sorted(names) if (kernel := stored(name))]


def stored(name: str) -> StoredKernel | None:
    """The kernel called *name*, whose files may be damaged; None if there is none."""
    place = folder() / name
    if not NAME.fullmatch(name) or not place.is_dir():
        return None
    facts = _facts_in(place)
    modules, functions = place / MODULES, place / FUNCTIONS
    kernel = Kernel(
        name=name,
        release=facts.release or "unknown",
        image=place / IMAGE,
        modules=modules if modules.is_dir() else None,
        functions=functions if functions.is_file() else None,
        facts={"lab_kernel_from": facts.origin, **facts.further},
    )
    return StoredKernel(kernel, place, facts.origin, _size_of(place), facts.digests)


@attrs.frozen
class _Facts:
    """The content of the file `FACTS`; nothing if it is damaged."""

    release: str = ""
    origin: str = ""
    further: dict[str, str] = attrs.field(factory=dict)
    digests: dict[str, str] = attrs.field(factory=dict)


def _facts_in(place: Path) -> _Facts:
    try:
        facts = json_value(read_regular(place / FACTS).decode())
        further, of_files = (
            {str(key): str(value) for key, value in facts.get(name, {}).items()}
            for name in ("facts", "sha256")
        )
        return _Facts(str(facts["release"]), str(facts["origin"]), further, of_files)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return _Facts()


def _size_of(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
