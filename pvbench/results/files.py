"""
Result files are pyperf suites; this module names, writes, finds and reads them.

`pvbench.run.collector` builds their content.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final

import pyperf

from pvbench.errors import (
    DamagedError,
    UnavailableError,
    UsageError,
    not_readable,
    not_writable,
    unknown,
)
from pvbench.host import name as host_name
from pvbench.host.files import LARGEST, read_regular, replacing
from pvbench.results import parsing
from pvbench.shapes import check_size

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STAMP_LENGTH: Final = 16
_RESULTS: Final = Path("results")
PUBLISHED: Final = "published:"
_ELSEWHERE: Final = "Give another place with -o FILE."
_TOO_LARGE: Final = "The boots before are stored; start another run for more boots."


def write(suite: pyperf.BenchmarkSuite, path: Path) -> None:
    """
    Replace *path* in one step; its old content stays if that fails.

    Raises:
        UnavailableError: no permission, no space, no such directory, or the file would be
            larger than those that `read` reads.
    """
    content = packed(_readable(parsing.text_of(suite), path).encode(), path)
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise not_writable(path, error, _ELSEWHERE) from None


def packed(content: bytes, path: Path) -> bytes:
    """*content*, compressed if the name of *path* says so."""
    return gzip.compress(content, mtime=0) if path.suffix == ".gz" else content


def _readable(text: str, path: Path) -> str:
    """*text*, if a file of its size can be read."""
    try:
        check_size(text)
        if len(text) > LARGEST:  # it is ASCII
            raise ValueError(f"it has more than {LARGEST} bytes")
    except ValueError as error:
        raise UnavailableError(
            f"{path} would be too large to be read", why=str(error), fix=_TOO_LARGE
        ) from None
    return text


def claim(output: str | None, suite: str, label: str | None, subfolder: str = "") -> Path:
    """
    Create a new, empty result file, so that no other run can take its name.

    Without *output* it is ./results/MACHINE/[SUBFOLDER/]TIME-SUITE[-LABEL].json.  Git
    ignores the first folder of these that is created for it.

    Raises:
        UsageError: *output* exists already.
        UnavailableError: it cannot be created.
    """
    if output is not None:
        return create(output_path(output))
    folder = _folder(subfolder)
    try:
        _create_ignored(_RESULTS, _folder())
        folder.mkdir(exist_ok=True, parents=True)
    except OSError as error:
        raise not_writable(folder, error, _ELSEWHERE) from None
    stamp = datetime.now(UTC).strftime(_STAMP)
    words = (re.sub(r"[^A-Za-z0-9._]+", "-", word) for word in (suite, label) if word)
    stem = "-".join((stamp, *words))
    for number in range(1, 1000):
        suffix = f"-{number}" if number > 1 else ""
        with contextlib.suppress(UsageError):
            return create(folder / f"{stem}{suffix}.json")
    raise UnavailableError(f"{folder} already has a thousand runs of this second")


def _folder(subfolder: str = "") -> Path:
    """The folder of the runs of this machine, or one below it."""
    return _RESULTS / host_name.name() / subfolder


def _create_ignored(*folders: Path) -> None:
    """Create the first of *folders* that does not exist, and let git ignore it."""
    for folder in folders:
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            (folder / ".gitignore").write_text("*\n")
            return


def output_path(output: str) -> Path:
    """
    The path that -o names.

    Raises:
        UsageError: it has no name of a file, or a name that does not end in .json.
    """
    path = Path(output)
    if not path.name:
        raise UsageError(f"-o {output!r} names no file", fix="Give a name such as out.json.")
    if not is_result_name(path):
        raise UsageError(
            f"{path} does not end in .json or .json.gz", fix="Give a name such as out.json."
        )
    return path


def create(path: Path) -> Path:
    """
    Create the new, empty file *path*.

    Raises:
        UsageError: it exists already.
        UnavailableError: it cannot be created.
    """
    existing = [other for other in (path, _twin(path)) if os.path.lexists(other)]
    try:
        if not existing:
            path.open("x").close()
            return path
    except FileExistsError:  # another run created it first
        existing = [path]
    except OSError as error:
        raise not_writable(path, error, _ELSEWHERE) from None
    raise UsageError(f"{existing[0]} exists", fix="Give another -o FILE, or remove it first.")


def is_result_name(path: Path) -> bool:
    """Whether a result file can have this name."""
    return path.name.endswith((".json", ".json.gz"))


def _twin(path: Path) -> Path:
    """The other result file that would have the same journal."""
    zipped = path.name.endswith(".gz")
    return path.with_name(path.name.removesuffix(".gz") if zipped else f"{path.name}.gz")


def latest(count: int) -> list[Path]:
    """The last *count* result files of this machine, oldest first."""
    return written(all_runs())[-count:]


def all_runs(subfolder: str = "") -> list[Path]:
    """
    Every result file of this machine, oldest first; empty if nothing is measured yet.

    Those of a *subfolder* are runs for another purpose, never the last run.
    """
    return in_folder(_folder(subfolder))


def in_folder(folder: Path) -> list[Path]:
    """Every result file in *folder*, oldest first."""
    paths = _results_in(folder)
    now = datetime.now(UTC).strftime(_STAMP)
    return sorted((path for path in paths if path.is_file()), key=partial(_age, now))


def written(paths: Iterable[Path]) -> list[Path]:
    """Those of *paths* that have content; a run that has just begun has an empty file."""
    return [path for path in paths if path.stat().st_size]


def _results_in(folder: Path) -> list[Path]:
    return [path for ending in ("*.json", "*.json.gz") for path in folder.glob(ending)]


def _age(now: str, path: Path) -> tuple[object, ...]:
    """
    A key that sorts by the time in the name of a result file.

    Of runs that began in one second the last that ended is the last one.  A file whose name
    has no time, or one in the future, comes first, so that it is never the last run.
    """
    stamp = path.name[:_STAMP_LENGTH]
    is_past = bool(re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", stamp)) and stamp <= now
    return is_past, stamp, path.stat().st_mtime_ns if is_past else 0, len(path.name), path


def locate(name: str) -> Path:
    """
    The path of a result file or of a published one (``published:NAME``).

    Raises:
        UsageError: there is no such file.
    """
    if not name:
        raise UsageError("the name of a result file is empty", fix="Give a file, or no name.")
    if not name.startswith(PUBLISHED):
        return Path(name)
    stem = name.removeprefix(PUBLISHED)
    published = {path.name.partition(".json")[0]: path for path in _results_in(_published())}
    if stem not in published:
        listing = f"Published: {', '.join(sorted(published))}."
        raise unknown("published result", stem, published, listing)
    return published[stem]


def _published() -> Path:
    """The folder of published results: in a wheel beside the code, else under results/."""
    packaged = Path(str(files("pvbench"))) / "published"
    return packaged if packaged.is_dir() else packaged.parents[1] / "results/published"


def read(name: str, *, complete: bool = False) -> pyperf.BenchmarkSuite:
    """
    Load a result file and check everything that reports rely on.

    With *complete* a file without its last line feed counts as damaged too.

    Raises:
        DamagedError: the file is cut off or not JSON.
        UsageError: the file does not exist, is not a pyperf file, or has another format.
    """
    return parsing.suite_from(name, _content(name, complete=complete))


def _content(name: str, *, complete: bool) -> bytes:
    try:
        content = read_regular(locate(name))
    except OSError as error:
        raise not_readable(name, error) from None
    if complete and content.startswith(b"{") and not content.endswith(b"\n"):
        raise DamagedError(f"{name} is cut off")
    return content
