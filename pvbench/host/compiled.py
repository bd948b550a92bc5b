"""
A program in C, compiled on first use.

It is kept in the user's cache under a key of its sources, the flags and the compiler, so
a change of any of them compiles another one.  A kept program needs no compiler.
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

LIMIT_S: Final = 120.0


@attrs.frozen(kw_only=True)
class Recipe:
    """
    How a program is compiled.

    Args:
        what: the program, for messages.
        stem: the beginning of its name in the cache.
        sources: the folder of its files.
        install: what to do if it cannot be compiled.
        limit_s: the longest time that the compiler may take.
    """

    what: str
    stem: str
    sources: Path
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    script: str = ""  # a linker script in the folder
    install: str = "Install gcc and binutils."
    limit_s: float = LIMIT_S


def image(recipe: Recipe) -> bytes:
    """
    The content of the program.

    Raises:
        UnavailableError: there is no compiler, or the program does not compile.
    """
    path = cache_folder() / f"{recipe.stem}-{key(recipe)}.bin"
    with suppress(OSError):
        return read_regular(path)
    compiled = _compiled(_compiler(recipe), recipe)
    keep(compiled, path)
    return compiled


def _compiler(recipe: Recipe) -> str:
    path = shutil.which("cc")
    if path is None:
        raise UnavailableError(
            f"{recipe.what} must be compiled, and there is no C compiler (cc)",
            fix=recipe.install,
        )
    return path


def key(recipe: Recipe) -> str:
    """
    The key of the program that would be compiled now, or without a compiler of a kept one.

    Raises:
        UnavailableError: there is neither a compiler nor a kept one.
    """
    sources = _sources_key(recipe)
    if shutil.which("cc") is None:
        for path in sorted(cache_folder().glob(f"{recipe.stem}-{sources}-*.bin")):
            return path.stem.removeprefix(f"{recipe.stem}-")
    compiler = os.path.realpath(_compiler(recipe))
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
        target = Path(folder) / "program"
        try:
            error = _first_error(_command(compiler, recipe, target), recipe.limit_s)
            if not error:
                return target.read_bytes()
        except (OSError, subprocess.TimeoutExpired) as failure:
            error = str(failure)
    raise UnavailableError(
        f"{compiler} cannot compile {recipe.what}", why=error, fix=recipe.install
    )


def _command(compiler: str, recipe: Recipe, target: Path) -> list[str]:
    folder = recipe.sources
    script = ("-T", str(folder / recipe.script)) if recipe.script else ()
    sources = sorted(str(path) for path in folder.rglob("*.[cS]"))
    return [
        *(compiler, *recipe.flags, *recipe.link_flags, *("-I", str(folder)), *script),
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
