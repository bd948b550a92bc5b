"""
Timed runs of a machine take turns, also those of different users.

They lock one file, /tmp/pvbench.lock.  The environment variable PVBENCH_LOCK names another
one, for runs that cannot disturb those of other users, as in a container with CPUs of its own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError
from pvbench.host.files import open_regular

_DEFAULT_LOCK: Final = "/tmp/pvbench.lock"  # noqa: S108 - one place for all users of a machine
_HELD: Final[set[int]] = set()


def lock_path() -> Path:
    """The file that timed runs lock."""
    return Path(os.environ.get("PVBENCH_LOCK") or _DEFAULT_LOCK)


class BusyError(UnavailableError):
    """Another timed run is under way, and this one must not wait for it."""


@contextmanager
def alone(say: Callable[[str], None] | None) -> Iterator[None]:
    """
    Keep other timed runs of this machine waiting.

    If this one has to wait it tells *say*; without, it does not.  The lock goes with
    the process, however it ends.

    Raises:
        BusyError: it will not wait.
        UnavailableError: the file of the lock cannot be opened.
    """
    with opened() as file, taken(file, say):
        yield


@contextmanager
def opened() -> Iterator[int]:
    """
    The file of the lock, which is not taken yet.

    Children that inherit it keep the lock until they end, also if it is taken after they
    have started.

    Raises:
        UnavailableError: it cannot be opened.
    """
    file = _open(lock_path())
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def taken(file: int, say: Callable[[str], None] | None) -> Iterator[None]:
    """Take the lock whose *file* is open; see `alone`."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        busy = "another timed run is under way here"
        if not say:
            raise BusyError(busy) from None
        say(f"{busy}, waiting for it ({lock_path()})")
        fcntl.flock(file, fcntl.LOCK_EX)
    _HELD.add(file)
    try:
        yield
    finally:
        _HELD.discard(file)


def inherited(file: int) -> None:
    """Keep a lock that the parent of this process takes, and let children inherit it."""
    _HELD.add(file)


def held() -> tuple[int, ...]:
    """
    File descriptors of the locks that this process has, for children to inherit.

    A lock is held until the last of them is closed: as long as a guest runs.
    """
    return tuple(_HELD)


def _open(path: Path) -> int:
    """Open the lock file of any user; reading is enough to lock it."""
    try:
        with suppress(FileNotFoundError):
            return open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
        file = open_regular(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be opened", why=str(error.strerror), fix="Timed runs lock it."
        ) from None
    with suppress(PermissionError):  # another process created it first
        os.fchmod(file, 0o644)  # whatever the umask
    return file
