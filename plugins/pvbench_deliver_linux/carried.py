"""
QEMU and all that a guest is made of, as files for a host that has none of them: a lab.

QEMU is started by the dynamic loader, which the host has, because these files are data.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError
from pvbench.host import compiled
from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular
from pvbench.linux_era import CURRENT
from pvbench.qemu import kernel_cache
from pvbench.qemu.kernels import Kernel
from pvbench_deliver_linux import files

FOLDER: Final = "linux"  # of the cache
_LOADER: Final = "/lib64/ld-linux-x86-64.so.2"
_LIBRARY: Final = re.compile(r"=> (/\S+) \(0x")
_FIRMWARE: Final = ("bios-256k.bin", "pvh.bin", "linuxboot_dma.bin", "kvmvapic.bin")
_LIMIT_S: Final = 60.0


def command() -> tuple[str, ...] | None:
    """The words that start the QEMU that was carried here; None if there is none."""
    folder = cache_folder() / FOLDER
    if not (folder / "qemu").exists():
        return None
    libraries = ("--library-path", str(folder / "lib"))
    return _LOADER, *libraries, str(folder / "qemu"), "-L", str(folder / "firmware")


def carried() -> dict[str, bytes]:
    """
    The files for the cache of the other host, by name.

    Raises:
        UnavailableError: this host lacks one of them.
    """
    qemu = shutil.which(files.QEMU)
    kernels = files.kernels()
    if qemu is None or not kernels:
        missing = "kernel in the cache" if qemu else files.QEMU
        raise UnavailableError(f"there is no {missing} for a Linux guest in a lab")
    version = CURRENT if CURRENT in kernels else max(kernels)
    name = f"{files.PROGRAMS.stem}-{compiled.key(files.PROGRAMS)}.bin"
    return {
        name: compiled.image(files.PROGRAMS),
        **dict(_of_kernel(version, kernels[version])),
        **dict(_of_qemu(Path(qemu))),
    }


def _of_kernel(version: str, kernel: Kernel) -> Iterator[tuple[str, bytes]]:
    place = f"kernels/{version}"
    facts = {"release": kernel.release, "origin": "carried", "facts": {}, "sha256": {}}
    yield f"{place}/{kernel_cache.FACTS}", json.dumps(facts).encode()
    yield f"{place}/{kernel_cache.IMAGE}", _read(files.boot_file(kernel.image))


def _of_qemu(qemu: Path) -> Iterator[tuple[str, bytes]]:
    yield f"{FOLDER}/qemu", _read(qemu)
    for library in _lines(["ldd", str(qemu)]):
        if match := _LIBRARY.search(library):
            yield f"{FOLDER}/lib/{Path(match[1]).name}", _read(Path(match[1]))
    folders = [Path(line) for line in _lines([str(qemu), "-L", "help"])]
    for name in _FIRMWARE:
        for folder in folders:
            if (folder / name).exists():
                yield f"{FOLDER}/firmware/{name}", _read(folder / name)
                break


def _lines(words: list[str]) -> list[str]:
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
        env=os.environ | {"LC_ALL": "C"},
    )
    return done.stdout.splitlines()


def _read(path: Path) -> bytes:
    try:
        return read_regular(path.resolve())
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read", why=str(error.strerror)) from None
