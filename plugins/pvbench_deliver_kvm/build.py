"""
The guest image, compiled on first use.

It is kept in the user's cache, under a key of its sources, the flags and the compiler,
so a change of any of them makes another one.  Once it is there, no compiler is needed.
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

from pvbench.errors import UnavailableError
from pvbench.host.files import replacing

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
_NOWHERE: Final = Path(os.devnull)  # a home in which nothing can be kept


def cache_folder() -> Path:
    """Where what takes long to find out is kept."""
    if folder := os.environ.get("XDG_CACHE_HOME"):
        return Path(folder) / "pvbench"
    home = _NOWHERE
    with suppress(RuntimeError):  # a user without one
        home = Path.home()
    return home / ".cache" / "pvbench"


def image() -> bytes:
    """
    The guest as flat code for `layout.IMAGE_BASE`.

    Raises:
        UnavailableError: there is no compiler, or it does not compile.
    """
    kept = cache_folder() / f"guest-{key()}.bin"
    with suppress(OSError):
        return kept.read_bytes()
    made = _compile(_compiler())
    keep(made, kept)
    return made


def _compiler() -> str:
    found = shutil.which("cc")
    if found is None:
        raise UnavailableError(
            "the guest of delivery kvm must be compiled, and there is no C compiler (cc)",
            fix="Install gcc and binutils, or run with --delivery model.",
        )
    return found


def key() -> str:
    """
    Of the image that would be made now; without a compiler, of one that was made.

    Raises:
        UnavailableError: there is neither.
    """
    digest = hashlib.sha256(repr((FLAGS, LINK_FLAGS)).encode())
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(SOURCES)).encode() + path.read_bytes())
    sources = digest.hexdigest()[:16]
    if shutil.which("cc") is None:
        for kept in sorted(cache_folder().glob(f"guest-{sources}-*.bin")):
            return kept.stem.removeprefix("guest-")
    compiler = os.path.realpath(_compiler())
    seen = os.stat(compiler)
    made_by = (compiler, seen.st_size, seen.st_mtime_ns)
    return f"{sources}-{hashlib.sha256(repr(made_by).encode()).hexdigest()[:8]}"


def _compile(compiler: str) -> bytes:
    sources = sorted(str(path) for path in SOURCES.rglob("*.[cS]"))
    script = ("-I", str(SOURCES), "-T", str(SOURCES / "guest.lds"))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "guest.bin"
        command = [compiler, *FLAGS, *LINK_FLAGS, *script, "-o", str(target), *sources]
        try:
            told = _complaint(command)
            if not told:
                return target.read_bytes()
        except (OSError, subprocess.TimeoutExpired) as error:
            told = str(error)
    raise UnavailableError(
        f"{compiler} cannot compile the guest of delivery kvm",
        why=told,
        fix="Install gcc and binutils, or run with --delivery model.",
    )


def _complaint(command: list[str]) -> str:
    """What the compiler says where it fails; '' if it does not."""
    done = subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=LIMIT_S,
    )
    if not done.returncode:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    causes = [line for line in lines if re.search("error|undefined|cannot", line)]
    return (causes or lines or [f"it ends with status {done.returncode}"])[0]


def keep(content: bytes, path: Path) -> None:
    """Cache *content* as *path*; a cache that cannot be written is no error."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
