"""The guest image of this delivery: flat code for `layout.IMAGE_BASE`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pvbench.host import compiled
from pvbench.host.compiled import Recipe

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
BUNDLED: Final = Recipe(
    what="the guest of delivery kvm",
    stem="guest",
    sources=SOURCES,
    flags=FLAGS,
    link_flags=LINK_FLAGS,
    script="guest.lds",
    install="Install gcc and binutils, or run with --delivery model.",
)


def image(recipe: Recipe = BUNDLED) -> bytes:
    """
    The guest.

    Raises:
        UnavailableError: there is no compiler, or the guest does not compile.
    """
    return compiled.image(recipe)


def key(recipe: Recipe = BUNDLED) -> str:
    """
    See `compiled.key`.

    Raises:
        UnavailableError: there is neither a compiler nor a kept image.
    """
    return compiled.key(recipe)
