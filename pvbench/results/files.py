"""
Result files: plain pyperf suites; where they go, how they are written and read.

What they hold is made in `pvbench.run.collector`.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pyperf

from pvbench.errors import UnavailableError, UsageError, not_writable, unknown
from pvbench.host import name as host_name
from pvbench.host.files import replacing
from pvbench.results import journal

FORMAT: Final = 1
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STAMP_LENGTH: Final = 16
PUBLISHED: Final = "published:"
_ELSEWHERE: Final = "Give another place with -o FILE."
# Metadata about the software that made a file, not about what was measured.
FINGERPRINT: Final = (
    "pvbench_version",
    "pvbench_sender_plugin",
    "pvbench_delivery_plugin",
    "pvbench_costs_sha256",
    "pvbench_git",
    "pvbench_tox_env",
)

Metadata = dict[str, str | int | float]


def write(suite: pyperf.BenchmarkSuite, path: Path) -> None:
    """
    Replace *path* at one stroke; what it held before stays if that fails.

    Raises:
        UnavailableError: no permission, no space, no such directory.
    """
    text = io.StringIO()
    suite.dump(text)
    try:
        with replacing(path) as file:
            file.write(text.getvalue().encode())
    except OSError as error:
        raise not_writable(path, error, _ELSEWHERE) from None


def claim(output: str | None, suite: str, label: str | None) -> Path:
    """
    A result file that did not exist, created empty so that nobody else takes it.

    Without *output* it is ./results/MACHINE/TIME-SUITE[-LABEL].json.

    Raises:
        UsageError: *output* exists already.
        UnavailableError: it cannot be created.
    """
    if output is not None:
        return _create(Path(output))
    folder = Path("results") / host_name.name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(folder, error, _ELSEWHERE) from None
    stamp = datetime.now(UTC).strftime(_STAMP)
    words = (re.sub(r"[^A-Za-z0-9._]+", "-", word) for word in (suite, label) if word)
    stem = "-".join((stamp, *words))
    for number in range(1, 1000):
        suffix = f"-{number}" if number > 1 else ""
        with contextlib.suppress(UsageError):
            return _create(folder / f"{stem}{suffix}.json")
    raise UnavailableError(f"{folder} holds a thousand runs of this second")


def _create(path: Path) -> Path:
    if path.suffix != ".json":
        raise UsageError(f"{path} does not end in .json", fix="pyperf files do.")
    try:
        if not path.exists():
            _forget(journal.beside(path))
        with path.open("x"):
            return path
    except FileExistsError:
        raise UsageError(
            f"{path} exists", fix="Give another -o FILE, or remove it first."
        ) from None
    except OSError as error:
        raise not_writable(path, error, _ELSEWHERE) from None


def _forget(book: Path) -> None:
    """Remove the journal of a run that measured nothing; leave anybody else's file."""
    if book.is_file() and not journal.read(book) and book.stat().st_size:
        raise UsageError(f"{book} exists and is no journal of a run", fix="Move it away.")
    if book.is_file():
        book.unlink()


def latest(count: int) -> list[Path]:
    """The last *count* result files of this machine, oldest first."""
    return [path for path in all_runs() if path.stat().st_size][-count:]


def all_runs() -> list[Path]:
    """Every result file of this machine, oldest first; empty if nothing is measured yet."""
    found = (Path("results") / host_name.name()).glob("*.json")
    return sorted(found, key=lambda path: (path.name[:_STAMP_LENGTH], len(path.name), path))


def locate(name: str) -> Path:
    """
    The path of a result file or of a published one (``published:NAME``).

    Raises:
        UsageError: there is no such file.
    """
    if not name.startswith(PUBLISHED):
        return Path(name)
    stem = name.removeprefix(PUBLISHED)
    known = {path.stem: path for path in _published().glob("*.json")}
    if stem not in known:
        listing = f"Published: {', '.join(sorted(known))}."
        raise unknown("published result", stem, known, listing)
    return known[stem]


def _published() -> Path:
    """In a wheel beside the code, in a checkout under results/."""
    packaged = Path(str(files("pvbench"))) / "published"
    return packaged if packaged.is_dir() else packaged.parents[1] / "results/published"


def read(name: str) -> pyperf.BenchmarkSuite:
    """
    Load a result file.

    Raises:
        UsageError: it is not there, not JSON, not pyperf's, or of another format.
    """
    path = locate(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not a text file", fix=_EXPECTED) from None
    suite = _parse(name, text)
    for benchmark in suite:
        version = benchmark.get_metadata().get("pvbench_format")
        if version is None or "pvbench_clock" not in benchmark.get_metadata():
            raise UsageError(f"{name} is a pyperf file, but not of pvbench", fix=_EXPECTED)
        if version != FORMAT:
            raise UsageError(
                f"{name} is of pvbench's format {version!r}, this one reads {FORMAT}",
                fix="Use the pvbench that wrote it.",
            )
    clocks = {benchmark.get_metadata()["pvbench_clock"] for benchmark in suite}
    if len(clocks) > 1:
        raise UsageError(
            f"{name} mixes clocks: {', '.join(sorted(map(str, clocks)))}",
            why="times of different clocks are never compared",
            fix="Keep each clock in a file of its own.",
        )
    return suite


_EXPECTED: Final = "Give a file written by `pvbench run`."


def _parse(name: str, text: str) -> pyperf.BenchmarkSuite:
    if not text.strip():
        raise UsageError(f"{name} is empty", why="its run measured nothing", fix=_EXPECTED)
    try:
        data: Any = json.loads(text)
    except json.JSONDecodeError as error:
        cut = text.startswith("{") and not text.rstrip().endswith("}")
        what = "is cut off" if cut else "is not JSON"
        raise UsageError(f"{name} {what}", why=str(error), fix=_EXPECTED) from None
    if not isinstance(data, dict) or "benchmarks" not in data:
        raise UsageError(f"{name} is not a pyperf file", fix=_EXPECTED)
    try:
        return pyperf.BenchmarkSuite.loads(text)
    except Exception as error:
        raise UsageError(
            f"{name} is not a pyperf file this pyperf reads",
            why=str(error),
            fix=_EXPECTED,
        ) from None


def differing(suites: Iterable[pyperf.BenchmarkSuite]) -> dict[str, list[str]]:
    """Fingerprint keys whose values differ, where both sides tell: values by suite."""
    found: dict[str, list[str]] = {}
    facts = [[benchmark.get_metadata() for benchmark in suite] for suite in suites]
    for key in FINGERPRINT:
        values = [
            ", ".join(sorted({str(f[key]) for f in suite if key in f})) for suite in facts
        ]
        if len(set(filter(None, values))) > 1:
            found[key] = values
    return found
