"""The guest of a recording: its own CPUs, or others that the user names."""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.recording.recording import Recording
from pvbench.topology import parse_guest

OWN: Final = "recorded"  # the name of the guest with the recording's own APIC IDs


def guest_of(recording: Recording, spec: str | None) -> Guest:
    """
    The guest whose CPUs send what is in *recording*.

    Args:
        recording: its CPUs and their APIC IDs; without these, CPU *n* has APIC ID *n*.
        spec: a topology that replaces the APIC IDs; None for the recording's own.

    Raises:
        UsageError: the guest is impossible, or does not have the CPUs of the recording.
    """
    if spec is not None:
        guest = parse_guest(spec)
        if len(guest.cpus) != recording.cpus:
            raise UsageError(
                f"{spec!r} has {len(guest.cpus)} CPUs, and the recording {recording.cpus}",
                why="a replay gives each CPU another APIC ID, and no other number of CPUs",
                fix="Name a guest with as many CPUs.",
            )
    else:
        guest = _own(recording)
    return _with_offline(guest, recording)


def _own(recording: Recording) -> Guest:
    return Guest(name=OWN, apic_ids=_apic_ids(recording))


def _apic_ids(recording: Recording) -> tuple[int, ...]:
    """The APIC ID of each CPU; those that are offline have IDs that no other CPU has."""
    ids = recording.apic_ids
    if not ids:
        return tuple(range(recording.cpus))
    spare = (number for number in range(recording.cpus * 2) if number not in {*ids.values()})
    return tuple(ids[cpu] if cpu in ids else next(spare) for cpu in range(recording.cpus))


def _with_offline(guest: Guest, recording: Recording) -> Guest:
    """*guest* with the CPUs that were offline."""
    if not recording.online:
        return guest
    offline = {*range(recording.cpus)}.difference(recording.online)
    try:
        return attrs.evolve(guest, offline=sorted(offline.union(guest.offline)))
    except ValueError as error:
        raise UsageError("the guest of the recording is impossible", why=str(error)) from None
