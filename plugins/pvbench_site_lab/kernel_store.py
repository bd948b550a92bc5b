"""
The kernels in the user's cache: those of `pvbench lab add`, and of `pvbench lab build VERSION`.

Each one has a folder with the image, the modules that KVM needs, where they are from, the
functions of a kernel that was built, and the digest of each file.  A folder is written under
another name and renamed when it is complete.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from pvbench.errors import UnavailableError, UsageError, not_writable, unknown
from pvbench.host.files import read_regular
from pvbench.qemu.kernel_cache import FACTS, IMAGE, NAME, StoredKernel, folder, kernels, stored
from pvbench.qemu.kernels import key_of
from pvbench_site_lab import commands, digests
from pvbench_site_lab.folders import remove_leftovers, replacing_folder
from pvbench_site_lab.locks import locked
from pvbench_site_lab.store import FIX, Store


def check(kernel: StoredKernel) -> None:
    """
    Compare the files of *kernel* with those that were stored.

    Raises:
        UnavailableError: one is missing or damaged.
    """
    if IMAGE in kernel.digests:
        damage = digests.damage(kernel.place, kernel.digests)
    else:
        damage = kernel.place / FACTS, "it has no digests of the other files"
    if damage:
        fix = commands.of_damaged(kernel.kernel.name, kernel.origin)
        raise UnavailableError(f"{damage[0]} is damaged", why=damage[1], fix=fix)


def lab_files(kernel: StoredKernel) -> list[Path]:
    """The files that labs have made of *kernel*: snapshots, and the unpacked kernel."""
    with suppress(OSError):
        key = key_of(read_regular(kernel.kernel.image))
        folder = Store().folder
        return [*folder.glob(f"[!.]*-{key}"), *folder.glob(f"[!.]*-{key}-*")]
    return []


def check_name(name: str) -> str:
    """
    *name* if a kernel may have it.

    Raises:
        UsageError: it may not.
    """
    if NAME.fullmatch(name):
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
    of_files = digests.of_files(place, besides=FACTS)
    facts = {"release": release, "origin": origin, "facts": dict(further), "sha256": of_files}
    (place / FACTS).write_text(json.dumps(facts) + "\n")


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
    for path in lab_files(kernel):
        Store().remove(path.name)
    shutil.rmtree(folder() / name)
    return kernel


def _remove_leftovers() -> None:
    """Finish the work of commands that were killed, for kernels of any name."""
    for path in folder().glob(".*.tmp"):
        remove_leftovers(folder() / path.name.split(".", 1)[1].rsplit(".", 2)[0])
