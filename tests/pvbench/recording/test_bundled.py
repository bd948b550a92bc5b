"""The recordings that come with pvbench."""

from __future__ import annotations

import pytest

from pvbench.recording import bundled, stored

_MOST_BYTES = 2_000_000  # of all of them in the wheel
# Sends, interrupts and unicasts, as the traces have them.
SUMS = {
    "hackbench-16": (533, 533, 533),
    "hackbench-60": (220, 224, 217),
    "madvise-16": (788, 1743, 493),
    "madvise-60": (986, 1405, 761),
    "membarrier-16": (312, 349, 291),
    "membarrier-60": (171, 1380, 140),
    "mmap-16": (3933, 4213, 3745),
    "module-load-16": (645, 8357, 94),
    "module-load-60": (158, 5663, 63),
    "python-queue-16": (5240, 5371, 5212),
    "python-queue-60": (1135, 1274, 1116),
    "redis-16": (849, 983, 837),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_bundled_recording_has_the_sends_of_its_trace(name: str) -> None:
    """It is emulated, and has the APIC ID of each CPU."""
    (file,) = bundled.located(f"recorded:{name}")
    recording = stored.read(bundled.recorded()[name])

    assert file == str(bundled.recorded()[name])
    sums = (recording.sent.total, recording.interrupts, recording.unicasts)
    assert sums == SUMS[name]
    assert recording.times == "emulated"
    assert len(recording.apic_ids) == recording.cpus == int(name.rpartition("-")[2])
    assert recording.wanted.total > 0
    assert not recording.is_void


def test_all_bundled_recordings_are_small() -> None:
    """A wheel has them."""
    files = bundled.recorded()

    assert [*files] == [*SUMS]
    assert sum(path.stat().st_size for path in files.values()) < _MOST_BYTES
    assert bundled.located("recorded:all") == [str(path) for path in files.values()]


def test_another_name_is_that_of_a_file() -> None:
    """Also a relative one."""
    assert bundled.located("trace.txt") == ["trace.txt"]
