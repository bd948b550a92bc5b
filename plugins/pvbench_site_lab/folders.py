"""Put a new folder in the place of an older one, once it is complete."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing_folder(place: Path) -> Iterator[Path]:
    """
    A new folder that becomes *place* at the end of the block.

    If the block raises, an older folder stays.  A reader sees the one or the other, or
    none.  The caller has a lock for *place*.

    Raises:
        OSError: it cannot be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(place)
    new, old = _names(place)
    try:
        new.mkdir()
        yield new
        with suppress(FileNotFoundError):
            place.rename(old)
        new.rename(place)
    finally:
        remove_leftovers(place)


def remove_leftovers(place: Path) -> None:
    """Finish the work of processes that were killed when they replaced *place*."""
    new, old = _names(place)
    if old.exists() and not place.exists():
        old.rename(place)
    for folder in (new, old):
        shutil.rmtree(folder, ignore_errors=True)


def _names(place: Path) -> tuple[Path, Path]:
    """The new folder and the older one, while *place* is replaced."""
    return place.with_name(f".{place.name}.new.tmp"), place.with_name(f".{place.name}.old.tmp")
