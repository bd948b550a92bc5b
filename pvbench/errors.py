"""All exceptions: what happened, why, what the user can do, and the exit status."""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Status(IntEnum):
    """Exit status of a command; `worst` orders them."""

    OK = 0
    REGRESSION = 1
    USAGE = 2
    NOTHING_MEASURED = 3
    INCONCLUSIVE = 4
    ENVIRONMENT = 5
    PROOF = 6


_SEVERITY = (
    Status.PROOF,
    Status.ENVIRONMENT,
    Status.USAGE,
    Status.REGRESSION,
    Status.INCONCLUSIVE,
    Status.NOTHING_MEASURED,
    Status.OK,
)


def worst(statuses: Iterable[Status]) -> Status:
    """Return the status that has precedence: proof first, then environment."""
    return min(statuses, key=_SEVERITY.index, default=Status.OK)


class PvbenchError(Exception):
    """An error that the user can fix: it is shown as one sentence without a traceback."""

    status = Status.USAGE

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = what, why, fix
        head = f"{what}: {why}" if why else what
        super().__init__(f"{head.rstrip('.')}. {fix}" if fix else head)


class UsageError(PvbenchError):
    """The command line, a suite or a file from the user is invalid."""


class DamagedError(UsageError):
    """A result file is cut off or otherwise not JSON; its values are lost."""


class NoSendError(UsageError):
    """A trace has no event with the sender and the targets of an IPI."""


class UnavailableError(PvbenchError):
    """The machine lacks something that the run needs: a device, a disk, a permission."""

    status = Status.ENVIRONMENT


class ProtocolError(PvbenchError):
    """A message between manager and worker is not one of the protocol."""

    status = Status.ENVIRONMENT


class SiteError(PvbenchError):
    """A site reports an error; the exit status is the one that the error has at the site."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(what)
        is_valid = status in tuple(Status)
        self.status = Status(status) if is_valid else Status.ENVIRONMENT


class SideError(PvbenchError):
    """A side of `pvbench ab` fails, perhaps with an exit status."""

    def __init__(self, what: str, *, why: str = "", status: int | None = None) -> None:
        super().__init__(what, why=why)
        is_valid = status in tuple(Status)[1:]
        self.status = Status(status or 0) if is_valid else Status.ENVIRONMENT


class WorkerError(PvbenchError):
    """A worker fails, ends early or takes too long."""

    status = Status.ENVIRONMENT


class HangError(WorkerError):
    """A machine that boots no longer gets on, and may boot if it is started once more."""


class PluginError(PvbenchError):
    """A plugin cannot be used: its code raises, or it offers something that is not allowed."""

    status = Status.ENVIRONMENT


class EmptyError(PvbenchError):
    """The selection leaves nothing to measure."""

    status = Status.NOTHING_MEASURED


class PlanLimitError(PvbenchError):
    """A plan has no room for the ops of a case, or no time to compute and check them."""


class SenderError(PvbenchError):
    """A sender's ops fail the static check: they do not send what the burst asks for."""

    status = Status.PROOF


@contextmanager
def about(option: str) -> Iterator[None]:
    """Name *option* in the error that its value causes."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{option}: {error.what}", why=error.why, fix=error.fix) from None


def unknown(kind: str, name: str, names: Iterable[str], listing: str = "") -> UsageError:
    """Return an error for a name that does not exist; it suggests the nearest of *names*."""
    from difflib import get_close_matches

    stems = {one.lstrip("-"): one for one in names}  # the dashes of options are no likeness
    nearest = get_close_matches(name.lstrip("-"), list(stems), n=1)
    hint = f"Did you mean {stems[nearest[0]]!r}? " if nearest else ""
    return UsageError(f"there is no {kind} called {name!r}", fix=f"{hint}{listing}".rstrip())


def not_readable(name: object, error: OSError, fix: str = "") -> UsageError:
    """An error for a file, called *name*, that cannot be read for any reason."""
    return UsageError(f"{name} cannot be read", why=str(error.strerror or error), fix=fix)


def not_writable(path: Path, error: OSError, fix: str = "") -> UnavailableError:
    """An error for a file that the system does not let us write."""
    return UnavailableError(
        f"{path} cannot be written", why=str(error.strerror or error), fix=fix
    )
