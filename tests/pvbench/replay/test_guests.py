"""The guest of a replay."""

from __future__ import annotations

import pytest

from pvbench.errors import UsageError
from pvbench.replay.guests import guest_of
from support.recordings import recording_of


def test_the_guest_has_the_apic_ids_of_the_recording() -> None:
    """A CPU that was offline gets an ID that no other has."""
    recording = recording_of([], 4, apic_ids={0: 0, 1: 16, 3: 1}, online=(0, 1, 3))
    guest = guest_of(recording, None)

    assert guest.apic_ids == (0, 16, 2, 1)
    assert guest.offline == (2,)


def test_cpus_without_apic_ids_have_those_of_their_numbers() -> None:
    """A recording without /proc/cpuinfo does not show them."""
    assert guest_of(recording_of(), None).apic_ids == (0, 1, 2, 3)


def test_a_topology_replaces_the_apic_ids() -> None:
    """The CPUs keep their numbers."""
    recording = recording_of([], 4, online=(0, 1, 2))
    guest = guest_of(recording, "interleaved:4")

    assert (guest.apic_ids, guest.offline) == ((0, 128, 1, 129), (3,))


def test_a_guest_with_another_number_of_cpus_is_refused() -> None:
    """Which sends are broadcasts would change."""
    with pytest.raises(UsageError, match="'dense:8' has 8 CPUs, and the recording 4"):
        guest_of(recording_of(), "dense:8")


def test_an_impossible_guest_is_refused_in_a_sentence() -> None:
    """Linux boots on CPU 0."""
    with pytest.raises(UsageError, match="impossible: CPU 0 cannot be offline"):
        guest_of(recording_of([], 4, online=(1, 2, 3)), None)
