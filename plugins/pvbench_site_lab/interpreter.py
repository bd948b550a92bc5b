"""The interpreter that pvbench runs under, as files of a lab: program, libraries, modules."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import marshal
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError
from pvbench.qemu import cpio
from pvbench.qemu.cpio import Entry
from pvbench_site_lab import elf

PYTHON: Final = "bin/python"
FOLDER: Final = "py"  # of the modules
_LIMIT_S: Final = 120.0
_LIBRARY: Final = re.compile(r"(?:(\S+) => )?(/\S+) \(0x")
_HEADER: Final = importlib.util.MAGIC_NUMBER + bytes(
    12
)  # of a .pyc whose source is not checked
_EXTENSIONS: Final = tuple(importlib.machinery.EXTENSION_SUFFIXES)


def modules_of(delivery: str) -> dict[str, Path]:
    """
    The file of each module that a worker of the module *delivery* imports.

    Raises:
        UnavailableError: they cannot be imported.
    """
    command = [sys.executable, "-P", "-m", "pvbench_site_lab.imports", delivery]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_LIMIT_S, errors="replace"
    )
    if done.returncode:
        (*_, reason) = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise UnavailableError(f"the modules of {delivery} cannot be imported", why=reason)
    files: dict[str, str] = json.loads(done.stdout)
    return {name: Path(file) for name, file in files.items()}


def program() -> Path:
    """The file of the interpreter."""
    return Path(os.path.realpath(sys.executable))


def entries_of(modules: Mapping[str, Path], libraries: Mapping[str, Path]) -> dict[str, Entry]:
    """The interpreter, the libraries by place, and *modules*, which are compiled."""
    entries = {PYTHON: _executable(program())}
    for name, path in modules.items():
        entries |= _module_entry(name, path)
    for place, path in libraries.items():
        entries[place] = _executable(path)
    return entries


def _executable(path: Path) -> Entry:
    """
    The program or library *path*, without what is not loaded.

    Raises:
        UnavailableError: it is neither.
    """
    try:
        return cpio.file(elf.loadable(path.read_bytes()), executable=True)
    except (ValueError, struct.error) as error:
        raise UnavailableError(f"{path} cannot run in a lab", why=str(error)) from None


def _module_entry(name: str, path: Path) -> dict[str, Entry]:
    place = f"{FOLDER}/{name.replace('.', '/')}"
    if path.name.endswith(_EXTENSIONS):
        suffix = path.name.partition(".")[2]
        return {f"{place}.{suffix}": _executable(path)}
    if path.name == "__init__.py":
        place += "/__init__"
    code = compile(path.read_bytes(), f"/{place}.py", "exec", dont_inherit=True, optimize=0)
    return {f"{place}.pyc": cpio.file(_HEADER + marshal.dumps(code))}


def data_of(package: Path, name: str) -> dict[str, Path]:
    """The files beside the modules of the package *name*, such as sources in C, by place."""
    files = (path for path in sorted(package.rglob("*")) if path.is_file())
    return {
        f"{FOLDER}/{name.replace('.', '/')}/{path.relative_to(package)}": path
        for path in files
        if path.suffix not in (".py", ".pyc")
    }


def libraries_of(modules: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """
    The shared libraries of the interpreter and of *modules*, with their places.

    Raises:
        UnavailableError: they cannot be listed.
    """
    extensions = (path for path in modules.values() if path.name.endswith(_EXTENSIONS))
    done = subprocess.run(
        ["ldd", str(program()), *map(str, extensions)],  # noqa: S607 - of the C library
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
        env=os.environ | {"LC_ALL": "C"},
    )
    libraries = {match[2]: match[1] for match in _LIBRARY.finditer(done.stdout)}
    if not libraries:
        reason = done.stderr.strip() or "it is linked statically, so it can load no modules"
        raise UnavailableError(f"{program()} cannot run in a lab", why=reason)
    for path, name in libraries.items():
        place = f"lib/{os.path.basename(name)}" if name else path.lstrip("/")
        yield place, Path(os.path.realpath(path))
