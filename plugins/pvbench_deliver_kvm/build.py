"""
The guest image, compiled on first use.

It is kept in the user's cache under a key of its sources, the flags and the compiler, so
a change of any of them compiles another one.  A kept image needs no compiler.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError
from pvbench.host.cache import cache_folder, keep
from pvbench.host.files import read_regular

SOURCES: Final = Path(__file__).parent / "guest"
FLAGS: Final = (
    *("-m64", "-std=c11", "-O2", "-Wall", "-Wextra", "-ffreestanding", "-fno-pic", "-fno-pie"),
    *("-mno-red-zone", "-mgeneral-regs-only", "-fno-stack-protector"),
    *("-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-fno-builtin"),
)
LINK_FLAGS: Final = (
    *("-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,--orphan-handling=error"),
    "-Wl,--oformat=binary",
)
LIMIT_S: Final = 120.0
_INSTALL: Final = "Install gcc and binutils, or run with --delivery model."


@attrs.frozen(kw_only=True)
class Recipe:
    """
    How a guest is compiled.

    Args:
        limit_s: the longest time that the compiler may take.
    """

    sources: Path = SOURCES
    flags: tuple[str, ...] = FLAGS
    link_flags: tuple[str, ...] = LINK_FLAGS
    limit_s: float = LIMIT_S


BUNDLED: Final = Recipe()


def image(recipe: Recipe = BUNDLED) -> bytes:
    """
    The guest as flat code for `layout.IMAGE_BASE`.

    Raises:
        UnavailableError: there is no compiler, or the guest does not compile.
    """
    path = cache_folder() / f"guest-{key(recipe)}.bin"
    with suppress(OSError):
        return read_regular(path)
    compiled = _compiled(_compiler(), recipe)
    keep(compiled, path)
    return compiled


def _compiler() -> str:
    path = shutil.which("cc")
    if path is None:
        raise UnavailableError(
            "the guest of delivery kvm must be compiled, and there is no C compiler (cc)",
            fix=_INSTALL,
        )
    return path


def key(recipe: Recipe = BUNDLED) -> str:
    """
    The key of the image that would be compiled now, or without a compiler of a kept one.

    Raises:
        UnavailableError: there is neither a compiler nor a kept image.
    """
    sources = _sources_key(recipe)
    if shutil.which("cc") is None:
        for path in sorted(cache_folder().glob(f"guest-{sources}-*.bin")):
            return path.stem.removeprefix("guest-")
    compiler = os.path.realpath(_compiler())
    status = os.stat(compiler)
    identity = (compiler, status.st_size, status.st_mtime_ns)
    return f"{sources}-{hashlib.sha256(repr(identity).encode()).hexdigest()[:8]}"


def _sources_key(recipe: Recipe) -> str:
    digest = hashlib.sha256(repr((recipe.flags, recipe.link_flags)).encode())
    for path in sorted(recipe.sources.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(recipe.sources)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _compiled(compiler: str, recipe: Recipe) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "guest.bin"
        try:
            error = _first_error(_command(compiler, recipe, target), recipe.limit_s)
            if not error:
                return target.read_bytes()
        except (OSError, subprocess.TimeoutExpired) as failure:
            error = str(failure)
    raise UnavailableError(
        f"{compiler} cannot compile the guest of delivery kvm", why=error, fix=_INSTALL
    )


def _command(compiler: str, recipe: Recipe, target: Path) -> list[str]:
    folder = recipe.sources
    script = ("-I", str(folder), "-T", str(folder / "guest.lds"))
    sources = sorted(str(path) for path in folder.rglob("*.[cS]"))
    return [
        *(compiler, *recipe.flags, *recipe.link_flags, *script),
        *("-o", str(target), *sources),
    ]


def _first_error(command: list[str], limit_s: float) -> str:
    """The compiler's first error message; empty if it succeeds."""
    process = subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=limit_s,
    )
    if not process.returncode:
        return ""
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if re.search("error|undefined|cannot", line)]
    return (errors or lines or [f"it ends with status {process.returncode}"])[0]
