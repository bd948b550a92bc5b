"""
The sends of a recording: which sender takes the least time for what a real system sent?

``recorded:NAME`` is a recording that comes with pvbench, and ``recorded:FILE`` a file of
`pvbench record` or `pvbench import`.  The guest needs as many CPUs as the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import MOST_SENDS, Workload

if TYPE_CHECKING:  # only the functions import it, because most commands need no recording
    from pvbench.recording.recording import Recording

pvbench_api = 1

_DEFAULT: Final = "membarrier-16"
_EMULATED: Final = (
    "the recordings are those of emulated machines: call sites and wanted CPUs are Linux's; "
    "sent masks, shares, coalescing and rates are the emulator's"
)


def sends(guest: Guest, recording: str) -> Iterable[tuple[Burst, int]] | str:
    """The distinct sends of a recording, each with its count."""
    from pvbench.recording.sends import sends_of

    content = _read(recording)
    if len(guest.cpus) != content.cpus:
        return f"recorded:{recording} needs a guest of {content.cpus} CPUs"
    distinct = sends_of(content, guest)
    number = len(distinct.bursts) + sum(map(len, distinct.masks))
    if number > MOST_SENDS:
        return f"recorded:{recording} has {number} distinct sends, more than {MOST_SENDS}"
    masks = (
        (columns.burst(place), int(columns.counts[place]))
        for columns in distinct.masks
        for place in range(len(columns))
    )
    return [*distinct.bursts, *masks]


def steps(guest: Guest) -> Iterator[str]:
    """The recordings of guests with as many CPUs."""
    from pvbench.recording.bundled import recorded

    for name in recorded():
        recording = _read(name)
        if recording.cpus == len(guest.cpus):
            yield name


def caveat(recording: str) -> str:
    """What the times of its machine are worth."""
    return _EMULATED if _read(recording).times == "emulated" else ""


@lru_cache
def _read(name: str) -> Recording:
    """
    The recording called *name*, or in a file of that name.

    Raises:
        UsageError: there is none, it cannot be read, or it has no sends that count.
    """
    from pvbench.recording import stored
    from pvbench.recording.bundled import PREFIX, located

    is_bundled = "/" not in name and not name.endswith(stored.SUFFIX)
    (path,) = located(f"{PREFIX}{name}") if is_bundled else (name,)
    recording = stored.read(Path(path))
    if recording.is_void:
        raise UsageError(
            f"the totals of recording {name} are void",
            why=f"{recording.lost_events or 'some'} events are lost",
            fix="Record again with a larger buffer, or import with --accept-losses.",
        )
    if recording.is_host or not recording.has_masks or not recording.sent.total:
        raise UsageError(f"recording {name} has no sends with their targets")
    return recording


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="recorded",
            summary="the sends of a recording, each alone; of its times only sending counts",
            bursts=lambda guest, recording: (),
            sends=sends,
            needs_cpus=16,
            parameters={"recording": _DEFAULT},
            steps=steps,
            caveat=caveat,
        )
    ]
