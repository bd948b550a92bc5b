"""The recordings that come with pvbench, which are written ``recorded:NAME``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from pvbench.errors import unknown
from pvbench.recording.stored import SUFFIX

PREFIX: Final = "recorded:"
ALL: Final = "recorded:all"


def recorded() -> dict[str, Path]:
    """The bundled recordings by name: in a wheel beside the code, else under results/."""
    packaged = Path(str(files("pvbench"))) / "recorded"
    folder = packaged if packaged.is_dir() else packaged.parents[1] / "results/recorded"
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def located(name: str) -> list[str]:
    """
    The files that *name* stands for: those of bundled recordings, or *name* itself.

    Raises:
        UsageError: no bundled recording has the name.
    """
    if not name.startswith(PREFIX):
        return [name]
    bundled = recorded()
    if name == ALL:
        return list(map(str, bundled.values()))
    stem = name.removeprefix(PREFIX)
    if stem not in bundled:
        listing = f"Recordings: {', '.join(bundled)}; {ALL} is all of them."
        raise unknown("bundled recording", stem, bundled, listing)
    return [str(bundled[stem])]
