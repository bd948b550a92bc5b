"""
Tracefs: an instance of one's own, which is removed with all that was set in it.

The instance keeps one of its files open.  So another process cannot remove it, and the
instance of a process that was killed can be removed.

Source: Linux, Documentation/trace/ftrace.rst and events.rst.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError

_MOUNT: Final = "mount -t tracefs nodev /sys/kernel/tracing"
_PREFIX: Final = "pvbench-record-"  # of the names of instances
_STATISTIC: Final = re.compile(r"^(entries|overrun|commit overrun|dropped events): (\d{1,18})$")
_LOST: Final = ("overrun", "commit overrun", "dropped events")
_STALE: Final = re.compile(rf"{_PREFIX}\d+-\d+")


@attrs.frozen
class Instance:
    """
    One instance.

    Args:
        path: its folder.
    """

    path: Path

    def set(self, file: str, value: str) -> None:
        """
        Write *value* to a file of the instance.

        Raises:
            UnavailableError: the kernel refuses it.
        """
        try:
            with (self.path / file).open("w") as opened:
                opened.write(value)
        except OSError as error:
            raise UnavailableError(
                f"{value!r} cannot be written to {self.path / file}",
                why=str(error.strerror),
            ) from None

    def enable(self, event: str) -> None:
        """Trace an event, which is written with its system: ``ipi/ipi_send_cpu``."""
        self.set(f"events/{event}/enable", "1")

    @contextmanager
    def on(self) -> Iterator[None]:
        """Trace as long as the block takes."""
        self.set("tracing_on", "1")
        try:
            yield
        finally:
            self.set("tracing_on", "0")

    def written(self) -> dict[int, int]:
        """How many events each CPU has written, also those that are overwritten by now."""
        return {
            cpu: counts["entries"] + counts["overrun"]
            for cpu, counts in self._statistics().items()
        }

    def lost(self) -> dict[int, int]:
        """How many events each CPU has lost."""
        return {
            cpu: sum(counts[name] for name in _LOST)
            for cpu, counts in self._statistics().items()
        }

    def _statistics(self) -> Mapping[int, dict[str, int]]:
        files = sorted((self.path / "per_cpu").glob("cpu*/stats"))
        return {int(file.parent.name.removeprefix("cpu")): _counts(file) for file in files}


def _counts(file: Path) -> dict[str, int]:
    matches = map(_STATISTIC.match, file.read_text().splitlines())
    return {match[1]: int(match[2]) for match in matches if match}


@attrs.frozen(kw_only=True)
class Tracefs:
    """
    The mounted file system.

    Args:
        path: where it is mounted.
        mkdir: makes the folder of an instance; the kernel fills it.
        rmdir: removes the folder with what the kernel filled it with.
    """

    path: Path
    mkdir: Callable[[Path], None] = os.mkdir
    rmdir: Callable[[Path], None] = os.rmdir

    def has(self, event: str) -> bool:
        """Whether the kernel has an event."""
        return (self.path / "events" / event).is_dir()

    @contextmanager
    def instance(self, number: int = 0) -> Iterator[Instance]:
        """
        A new instance that does not trace yet, as long as the block takes.

        Args:
            number: tells several instances of this process apart.

        Raises:
            UnavailableError: it cannot be made, or not be removed.
        """
        path = self.path / "instances" / f"{_PREFIX}{os.getpid()}-{number}"
        try:
            self.mkdir(path)
        except OSError as error:
            raise _refused(path, error) from None
        try:
            with (path / "tracing_on").open():
                instance = Instance(path)
                instance.set("tracing_on", "0")
                yield instance
        finally:
            self._remove(path)

    def _remove(self, path: Path) -> None:
        try:
            self.rmdir(path)
        except OSError as error:
            raise UnavailableError(
                f"{path} cannot be removed", why=str(error.strerror), fix=f"rmdir {path}"
            ) from None

    def remove_stale(self) -> None:
        """Remove the instances of processes that were killed; others are in use."""
        with suppress(OSError):
            for path in (self.path / "instances").iterdir():
                if _STALE.fullmatch(path.name):
                    with suppress(OSError):
                        self.rmdir(path)


def _refused(path: Path, error: OSError) -> UnavailableError:
    fix = "Run the command as root, or as a member of the group to which tracefs belongs."
    return UnavailableError(
        f"{path} cannot be made",
        why=str(error.strerror),
        fix=fix if isinstance(error, PermissionError) else "",
    )


def mounted(root: Path) -> Tracefs:
    """
    The tracefs of the machine whose root folder is *root*.

    Raises:
        UnavailableError: it is not mounted, or must not be read.
    """
    mounts = (line.split(" ") for line in _text(root / "proc/mounts").splitlines())
    places = [words[1] for words in mounts if len(words) > 2 and words[2] == "tracefs"]
    if not places:
        fix = f"As root: {_MOUNT}" if "tracefs" in _text(root / "proc/filesystems") else ""
        raise UnavailableError(
            "tracefs is not mounted" if fix else "this kernel has no tracefs",
            why="the kernel reports IPIs by its tracepoints",
            fix=fix,
        )
    path = root / places[0].lstrip("/")
    if not os.access(path / "events", os.R_OK | os.X_OK):
        raise _refused(path / "instances", PermissionError(0, "the user must not read tracefs"))
    return Tracefs(path=path)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
