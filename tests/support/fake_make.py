"""A kernel's sources in a git repository, and programs that compile them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pvbench_site_lab.make import CONFIGURATION

MAKE = """\
for word; do case "$word" in O=*) objects=${word#O=} ;; esac; done
for goal; do :; done
cd "$3" || exit 2
[ -e broken ] && { echo "kvm.c:1: error: it is broken"; exit 2; }
case "$goal" in
  allnoconfig) cp options "$objects/.config" ;;
  vmlinux) mkdir -p "$objects/include/config"
    cp code "$objects/vmlinux"
    cp object "$objects/vmlinux.o"
    cp version "$objects/include/config/kernel.release" ;;
esac
"""
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.com")


class FakeTree:
    """
    The sources in *folder*; the image is the content of the file ``code``.

    The file ``object`` is the object file from which it is linked.
    """

    def __init__(self, folder: Path, programs: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.programs = folder, programs
        (folder / "arch/x86/kvm").mkdir(parents=True)
        programs.mkdir()
        (folder / "Kconfig").touch()
        (folder / "version").write_text("6.99.0\n")
        (folder / "options").write_text(CONFIGURATION.read_text())
        (folder / "code").write_text("first")
        (folder / "object").touch()
        for name in ("gcc", "ld", "flex", "bison", "bc"):
            self.program(name, "")
        self.program("make", MAKE)
        patch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def program(self, name: str, script: str) -> None:
        """Write a program that notes its arguments and runs *script*."""
        path = self.programs / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.programs}/calls\n{script}\n')
        path.chmod(0o755)

    def commit(self, name: str, **files: str) -> str:
        """Commit *files* on top of what there is, as the branch *name*; its commit."""
        if not (self.folder / ".git").exists():
            self.git("init", "--quiet")
        self.git("checkout", "--quiet", "-B", name)
        for file, content in files.items():
            (self.folder / file).write_text(content)
        self.git("add", "--all")
        self.git(*IDENTITY, "commit", "--quiet", "--allow-empty", "--message", name)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        """The output of git in the folder."""
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def builds(self) -> int:
        """How often a kernel was compiled."""
        lines = (self.programs / "calls").read_text().splitlines()
        return sum(line.startswith("make") and line.endswith("vmlinux") for line in lines)
