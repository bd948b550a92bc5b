"""
The sends of a recording: which sender takes the least time for what a real system sent?

``recorded:NAME`` is a recording that comes with pvbench, and ``recorded:FILE`` a file of
`pvbench record` or `pvbench import`.  The guest needs as many CPUs as the recording.
``sampled:NAME:SENDS:SEED`` is a random sample of its sends, for machines that execute them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import MOST_SENDS, Drawn, Workload

if TYPE_CHECKING:  # only the functions import it, because most commands need no recording
    from pvbench.recording.recording import Recording

pvbench_api = 1

_DRAWN: Final = 24
Pair = tuple[Burst, int]
Pairs = list[Pair]
_DEFAULT: Final = "membarrier-16"
_EMULATED: Final = (
    "the recordings are those of emulated machines: call sites and wanted CPUs are Linux's; "
    "sent masks, shares, coalescing and rates are the emulator's"
)


def sends(guest: Guest, recording: str) -> Pairs | str:
    """The distinct sends of a recording, each with its count."""
    pairs = _distinct(guest, recording)
    if not isinstance(pairs, str) and len(pairs) > MOST_SENDS:
        return f"{recording} has {len(pairs)} distinct sends, more than {MOST_SENDS}"
    return pairs


def drawn_sends(guest: Guest, recording: str, sends: int, seed: int) -> Pairs | str:
    """The sends of a sample, each with the number of sends for which it stands."""
    drawn = _drawn(guest, recording, sends, seed)
    return drawn if isinstance(drawn, str) else [send for send, _ in drawn]


def sample(guest: Guest, recording: str, sends: int, seed: int) -> list[Drawn]:
    """How each of these sends was drawn."""
    drawn = _drawn(guest, recording, sends, seed)
    assert not isinstance(drawn, str)  # noqa: S101 - the sends were given before
    return [how for _, how in drawn]


@lru_cache
def _drawn(
    guest: Guest, recording: str, sends: int, seed: int
) -> list[tuple[Pair, Drawn]] | str:
    """The sample, or why the guest cannot have the sends."""
    from pvbench.recording.sampling import sample_of

    pairs = _distinct(guest, recording)
    return pairs if isinstance(pairs, str) else sample_of(pairs, guest, sends, seed)


@lru_cache
def _distinct(guest: Guest, recording: str) -> Pairs | str:
    """All distinct sends, or why the guest cannot have them."""
    from pvbench.recording.sends import sends_of

    content = _read(recording)
    if len(guest.cpus) != content.cpus:
        return f"{recording} needs a guest of {content.cpus} CPUs"
    distinct = sends_of(content, guest)
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


def caveat(recording: str, **drawing: int) -> str:
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
        ),
        Workload(
            name="sampled",
            summary="SENDS sends of a recording, drawn from its strata by SEED, each alone",
            bursts=lambda guest, recording, sends, seed: (),
            sends=drawn_sends,
            sample=sample,
            needs_cpus=16,
            parameters={"recording": _DEFAULT, "sends": _DRAWN, "seed": 1},
            steps=steps,
            caveat=caveat,
        ),
    ]
