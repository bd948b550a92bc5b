"""
The first file system of a lab, made once for each interpreter, delivery and kernel.

A manifest has the identity of each file that it is made of.  As long as they stay the
same nothing is imported, compiled or packed again.  Each virtual environment has manifests
of its own, because it may have another pvbench.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.errors import UnavailableError
from pvbench.importing import delivery_of
from pvbench.qemu import cpio
from pvbench.qemu.cpio import Entry
from pvbench.qemu.kernels import Kernel
from pvbench.shapes import json_value
from pvbench_site_lab import interpreter
from pvbench_site_lab import modules as kernel_modules
from pvbench_site_lab.store import Store

CACHE: Final = "cache"  # XDG_CACHE_HOME of a lab
_OWN: Final = Path(__file__).parent
_FOLDERS: Final = ("dev", "proc", "sys", "tmp", "mod")


@attrs.frozen
class Image:
    """
    An image, whose file may have to be made.

    Args:
        key: changes with its content.
        make: makes the file if there is none.
    """

    key: str
    path: Path
    make: Callable[[], object] = attrs.field(eq=False)


def image_of(kernel: Kernel, kernel_key: str, module: str, name: str, store: Store) -> Image:
    """
    The image for the delivery *name* of the plugin *module*; nothing is written yet.

    Raises:
        UnavailableError: the delivery cannot run in a lab, or the image cannot be made.
    """
    cache_files = _cache_files_of(module, name)
    made_of = module, kernel_key, kernel.modules, sys.executable
    manifest_name = f"manifest-{_digest(*made_of)}.json"
    entries: dict[str, Entry] | None = None
    with ThreadPoolExecutor() as threads:
        cached = threads.submit(cache_files)  # it may run a compiler
        manifest = _current(store.read(manifest_name))
        if manifest is None:
            entries, manifest = _entries(kernel, module)
    carried = {f"{CACHE}/pvbench/{path}": data for path, data in cached.result().items()}
    key = _digest(
        manifest, {path: hashlib.sha256(data).hexdigest() for path, data in carried.items()}
    )

    def write(path: Path) -> None:
        files = entries or _entries(kernel, module)[0]
        path.write_bytes(
            cpio.archive(files | {p: cpio.file(data) for p, data in carried.items()})
        )

    def make() -> None:
        if entries is not None:
            store.write(manifest_name, json.dumps(manifest).encode())
        store.made(file, write)

    file = f"initramfs-{key}.cpio"
    return Image(key, store.folder / file, make)


def _cache_files_of(module: str, name: str) -> Callable[[], dict[str, bytes]]:
    """
    The method of the delivery *name* that returns the files that it needs in the cache.

    Raises:
        UnavailableError: the delivery cannot run in a lab.
    """
    if module.endswith(".py"):
        raise UnavailableError(
            f"{module} is a file",
            why="a lab gets the modules of installed plugins",
            fix="Install it as a package.",
        )
    method: Callable[[], dict[str, bytes]] | None = getattr(
        delivery_of(module, name), "cache_files", None
    )
    if method is None:
        raise UnavailableError(
            f"delivery {name} does not run in a lab",
            fix="Add --delivery kvm.",
        )
    return method


def _entries(kernel: Kernel, module: str) -> tuple[dict[str, Entry], dict[str, Any]]:
    """The files of an image, and its manifest."""
    modules = interpreter.modules_of(module)
    libraries = dict(interpreter.libraries_of(modules))
    drivers = kernel_modules.of_kernel(kernel)
    entries = interpreter.entries_of(modules, libraries)
    for number, driver in enumerate(drivers):
        entries[f"mod/{number:02}-{driver.name}.ko"] = cpio.file(driver.content)
    entries |= _skeleton(modules)
    data: dict[str, Path] = {}
    if (path := modules.get(module)) and path.name == "__init__.py":
        data = interpreter.data_of(path.parent, module)
    entries |= {place: cpio.file(path.read_bytes()) for place, path in data.items()}
    sources = (
        *(interpreter.program(), *modules.values(), *libraries.values()),
        *(*data.values(), *(driver.path for driver in drivers), *_OWN.rglob("*.py")),
    )
    return entries, {"kernel": kernel.release, "files": _identities(sources)}


def _skeleton(modules: Iterable[str]) -> dict[str, Entry]:
    """The folders to mount file systems on, the console, and the list of modules."""
    folders = {name: cpio.folder() for name in _FOLDERS}
    inside = "pvbench_site_lab.inside.init"  # it runs as the main module
    listed = "\n".join(name for name in modules if name != inside)
    return folders | {
        "dev/console": cpio.character_device(5, 1),
        "modules": cpio.file(listed.encode()),
    }


def _identities(paths: Iterable[Path]) -> dict[str, list[int]]:
    return {str(path): _identity(path) for path in sorted(set(paths))}


def _identity(path: Path) -> list[int]:
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns]


def _current(content: bytes | None) -> dict[str, Any] | None:
    """The manifest *content* if all its files are as they were; otherwise None."""
    try:
        manifest: dict[str, Any] = json_value((content or b"").decode())
        files = manifest["files"]
        is_current = bool(files) and all(
            _identity(Path(path)) == identity for path, identity in files.items()
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return manifest if is_current else None


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[
        :16
    ]
