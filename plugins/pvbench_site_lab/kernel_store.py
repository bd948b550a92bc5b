"""
The kernels in the user's cache: those of `pvbench lab add`, and of `pvbench lab build VERSION`.

Each one has a folder with the image, the modules that KVM needs, where they are from, the
functions of a kernel that was built, and the digest of each file.  A folder is written under
another name and renamed when it is complete.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

import attrs

from pvbench.errors import UnavailableError, UsageError, not_writable, unknown
from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular
from pvbench.shapes import json_value
from pvbench_site_lab import commands, digests
from pvbench_site_lab.folders import remove_leftovers, replacing_folder
from pvbench_site_lab.kernels import Kernel, key_of
from pvbench_site_lab.locks import locked
from pvbench_site_lab.store import FIX, Store

IMAGE: Final = "vmlinuz"
MODULES: Final = "modules"
FUNCTIONS: Final = "functions.json"
_FACTS: Final = "kernel.json"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,79}")


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

    def check(self) -> None:
        """
        Compare its files with those that were stored.

        Raises:
            UnavailableError: one is missing or damaged.
        """
        if IMAGE in self.digests:
            damage = digests.damage(self.place, self.digests)
        else:
            damage = self.place / _FACTS, "it has no digests of the other files"
        if damage:
            fix = commands.of_damaged(self.kernel.name, self.origin)
            raise UnavailableError(f"{damage[0]} is damaged", why=damage[1], fix=fix)

    def lab_files(self) -> list[Path]:
        """The files that labs have made of it: snapshots, and the unpacked kernel."""
        with suppress(OSError):
            key = key_of(read_regular(self.kernel.image))
            folder = Store().folder
            return [*folder.glob(f"[!.]*-{key}"), *folder.glob(f"[!.]*-{key}-*")]
        return []


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
    if not _NAME.fullmatch(name) or not place.is_dir():
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
    """The content of the file `_FACTS`; nothing if it is damaged."""

    release: str = ""
    origin: str = ""
    further: dict[str, str] = attrs.field(factory=dict)
    digests: dict[str, str] = attrs.field(factory=dict)


def _facts_in(place: Path) -> _Facts:
    try:
        facts = json_value(read_regular(place / _FACTS).decode())
        further, of_files = (
            {str(key): str(value) for key, value in facts.get(name, {}).items()}
            for name in ("facts", "sha256")
        )
        return _Facts(str(facts["release"]), str(facts["origin"]), further, of_files)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return _Facts()


def check_name(name: str) -> str:
    """
    *name* if a kernel may have it.

    Raises:
        UsageError: it may not.
    """
    if _NAME.fullmatch(name):
        return name
    raise UsageError(
        f"a kernel cannot be called {name!r}",
        why="a name has up to 80 letters, digits and .+~_-, and begins with none of these",
        fix="Choose one with --name.",
    )


@contextmanager
def adding(name: str) -> Iterator[Path]:
    """
    A new folder that becomes the kernel called *name* at the end of the block.

    `finish` must have been called in it.  If the block raises, an older kernel of that
    name stays.

    Raises:
        UnavailableError: it cannot be written.
    """
    place = folder() / check_name(name)
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with locked(folder() / ".lock"):
            _remove_leftovers()
            with replacing_folder(place) as new:
                yield new
    except OSError as error:
        raise not_writable(Path(error.filename or place), error, FIX) from None


def finish(
    place: Path, release: str, origin: str, further: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write the facts of the kernel in the folder *place*; *further* ones are for results."""
    of_files = digests.of_files(place, besides=_FACTS)
    facts = {"release": release, "origin": origin, "facts": dict(further), "sha256": of_files}
    (place / _FACTS).write_text(json.dumps(facts) + "\n")


def remove(name: str) -> StoredKernel:
    """
    Remove the kernel called *name* with all files made of it, and return what it was.

    Raises:
        UsageError: there is none.
    """
    kernel = stored(name)
    if kernel is None:
        names = [other.kernel.name for other in kernels()]
        raise unknown("kernel", name, names, "`pvbench lab list` lists them.")
    for path in kernel.lab_files():
        Store().remove(path.name)
    shutil.rmtree(folder() / name)
    return kernel


def _remove_leftovers() -> None:
    """Finish the work of commands that were killed, for kernels of any name."""
    for path in folder().glob(".*.tmp"):
        remove_leftovers(folder() / path.name.split(".", 1)[1].rsplit(".", 2)[0])


def _size_of(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
