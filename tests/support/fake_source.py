"""A package with the sources of a kernel, and patches for them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from support.fake_apt import FakeApt

FILE = "code"  # the image that `fake_make` makes
CONTENT = "".join(f"line {number}\n" for number in range(1, 21))


def add_source(mirror: FakeApt, version: str, tree: Path, content: str = CONTENT) -> Path:
    """Offer the sources in the folder *tree*, with *content* in `FILE`."""
    (tree / FILE).write_text(content)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        archive.add(tree, f"linux-source-{version}")
    path = f"./usr/src/linux-source-{version}.tar.xz"
    return mirror.add(f"linux-source-{version}", {path: packed.getvalue()})


def patch_of(line: int, text: str, old: str = "", file: str = FILE) -> str:
    """A patch that makes *line* of the file *text*; ``line LINE`` or *old* is there before."""
    around = [f" line {number}\n" for number in range(line - 3, line + 4)]
    around[3:4] = [f"-{old or f'line {line}'}\n", f"+{text}\n"]
    head = f"--- a/{file}\n+++ b/{file}\n@@ -{line - 3},7 +{line - 3},7 @@\n"
    return (
        f"From: A <a@example.com>\nSubject: {text}\n\n---\n{head}{''.join(around)}-- \n2.39\n"
    )


def write_series(folder: Path, **patches: str) -> Path:
    """A folder with the files ``NAME.patch``."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.patch"):
        path.unlink()
    for name, content in patches.items():
        (folder / f"{name}.patch").write_text(content)
    return folder
