"""
The kernels that `pvbench lab add` has copied into the user's cache.

Each one has a folder with the image, the modules that KVM needs, and where they are from.
A folder is written under another name and renamed when it is complete.
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

from pvbench.errors import UsageError, not_writable, unknown
from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular
from pvbench_site_lab.kernels import Kernel, key_of
from pvbench_site_lab.store import FIX, Store, locked

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
        origin: the package or the file that it is from.
        size: bytes.
    """

    kernel: Kernel
    origin: str
    size: int

    def lab_files(self) -> list[Path]:
        """The files that labs have made of it: snapshots, and the unpacked kernel."""
        with suppress(OSError):
            key = key_of(read_regular(self.kernel.image))
            return [*Store().folder.glob(f"*-{key}"), *Store().folder.glob(f"*-{key}-*")]
        return []


def folder() -> Path:
    """The folder that has a folder for each kernel."""
    return cache_folder() / "kernels"


def kernels() -> list[StoredKernel]:
    """All kernels in the cache, by name."""
    names = os.listdir(folder()) if folder().is_dir() else []
    return [kernel for name in sorted(names) if (kernel := stored(name))]


def stored(name: str) -> StoredKernel | None:
    """The kernel called *name*; None if there is none."""
    place = folder() / name
    if not _NAME.fullmatch(name):
        return None
    try:
        facts = json.loads(read_regular(place / _FACTS))
        release, origin = str(facts["release"]), str(facts["origin"])
        further = {str(key): str(value) for key, value in facts.get("facts", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    modules, functions = place / MODULES, place / FUNCTIONS
    kernel = Kernel(
        name=name,
        release=release,
        image=place / IMAGE,
        modules=modules if modules.is_dir() else None,
        functions=functions if functions.is_file() else None,
        facts={"lab_kernel_from": origin, **further},
    )
    return StoredKernel(kernel, origin, _size_of(place))


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
    temporary = folder() / f".{check_name(name)}.tmp"
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with locked(folder() / ".lock"):
            _remove_leftovers()
            temporary.mkdir()
            yield temporary
            _replace(folder() / name, temporary)
    except OSError as error:
        raise not_writable(Path(error.filename or temporary), error, FIX) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def finish(
    place: Path, release: str, origin: str, further: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Write the facts of the kernel in the folder *place*; *further* ones are for results."""
    facts = {"release": release, "origin": origin, "facts": dict(further)}
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
        path.unlink(missing_ok=True)
    shutil.rmtree(folder() / name)
    return kernel


def _remove_leftovers() -> None:
    """Remove the folders of commands that were killed."""
    for path in folder().glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def _replace(place: Path, new: Path) -> None:
    """Put *new* in the place of *place*; a reader sees the one or the other, or none."""
    old = new.with_name(f".{place.name}.old.tmp")
    with suppress(FileNotFoundError):
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _size_of(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
