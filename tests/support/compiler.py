"""Test compilers that PATH lists before those of the machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import attrs
import pytest

from pvbench.host.compiled import Recipe
from pvbench_deliver_kvm import build
from support.guest_native import GUEST

VERSION = "#define VERSION 1\n"


def write_compiler(folder: Path, script: str, *, mode: int = 0o755) -> Path:
    """A shell script called cc in *folder*, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    compiler = folder / "cc"
    compiler.write_text(f"#!/bin/sh\n{script}\n")
    compiler.chmod(mode)
    return compiler


def small_guest(folder: Path) -> Recipe:
    """A guest of one function, which is compiled in a tenth of the time."""
    folder.mkdir()
    shutil.copy(GUEST / "guest.lds", folder)
    (folder / "version.h").write_text(VERSION)
    (folder / "main.c").write_text(
        '#include "version.h"\nint version(void);\nint version(void)\n{\n\treturn VERSION;\n}\n'
    )
    return attrs.evolve(build.BUNDLED, sources=folder)


class CountedCompiler:
    """The real cc behind a script that notes each call; first on PATH."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, before: str = "") -> None:
        real = shutil.which("cc")
        log = folder / "calls"
        self.path = write_compiler(
            folder, f"echo call >> '{log}'\n{before}\nexec '{real}' \"$@\""
        )
        self._log = log
        log.touch()
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    @property
    def calls(self) -> int:
        """How often it was called so far."""
        return len(self._log.read_text().splitlines())
