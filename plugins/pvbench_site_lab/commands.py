"""The commands that bring a kernel into the cache, as a user types them."""

from __future__ import annotations

import re
from typing import Final

from pvbench_site_lab.releases import SOURCE, is_version, release_in
from pvbench_site_lab.series import PROPOSALS

_OWN_WORD: Final = re.compile(r"-(?!amd64$)[A-Za-z]")  # no plain kernel of Debian has one


def of_missing(name: str) -> str | None:
    """How to get the kernel called *name*; None if no command gets a kernel of that name."""
    if not is_version(name):
        return None
    version = name.removesuffix(f"-{PROPOSALS.name}")
    if _OWN_WORD.search(version):
        return None
    if version != name:
        return f"Build it: `pvbench lab build {version} --patches`."
    return f"Add it: `pvbench lab add {name}`, or name the path of a vmlinuz."


def of_damaged(name: str, origin: str) -> str:
    """How to get the kernel called *name* again, which is from *origin*."""
    package = origin.partition(" ")[0]
    version = package.removeprefix(SOURCE)
    if release := release_in(package):
        words = name if release.startswith(name) else f"{release} --name {name}"
        return f"Add the kernel again: `pvbench lab add {words}`."
    if version != package and is_version(version):
        words = _build_words(name, version, origin.partition(" of ")[2])
        return f"Build the kernel again: `pvbench lab build {words}`."
    return f"Remove it, `pvbench lab remove {name}`, and add or build it again."


def _build_words(name: str, version: str, series: str) -> str:
    """The words after ``lab build`` for the sources of *version* with the patches *series*."""
    words = [version]
    if series:
        words.append("--patches" if series == PROPOSALS.name else f"--patches {series}")
    if name != f"{version}-{series or 'source'}":
        words.append(f"--name {name}")
    return " ".join(words)
