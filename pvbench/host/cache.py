"""The user's cache: things that take long to compute or to fetch, and can be had again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from pvbench.host.files import replacing

_NO_HOME: Final = Path(os.devnull)  # nothing can be kept below it


def cache_folder() -> Path:
    """The folder of the cache, which need not exist."""
    if folder := os.environ.get("XDG_CACHE_HOME"):
        return Path(folder) / "pvbench"
    home = _NO_HOME
    with suppress(RuntimeError):  # the user has no home directory
        home = Path.home()
    return home / ".cache" / "pvbench"


def keep(content: bytes, path: Path) -> None:
    """Cache *content* as a whole, or not at all if the cache is not writable."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
