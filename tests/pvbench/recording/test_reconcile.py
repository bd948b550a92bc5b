"""The sums of interrupts sent and received."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.recording import reconcile
from support.recordings import recording_of
from support.traces import TRACES, stored_trace

BEFORE, AFTER = (TRACES / f"smp60-membarrier.int{n}" for n in (0, 1))


def test_a_trace_that_lost_nothing_has_equal_sums() -> None:
    """Each vector has its own."""
    sums = list(reconcile.sums(stored_trace("smp16-ebz-malloc.txt.gz")))

    assert [(one.name, one.sent, one.received) for one in sums] == [
        ("vector 251", 52, 52),
        ("vector 252", 20, 20),
        ("vector 253", 19, 19),
    ]
    assert not any(one.differs or one.cpus for one in sums)


def test_a_difference_names_the_cpus() -> None:
    """The events of CPU 59 are missing in this trace, though nothing says so."""
    sums = {one.name: one for one in reconcile.sums(stored_trace("smp60-membarrier.txt.gz"))}

    assert (sums["vector 252"].sent, sums["vector 252"].received) == (1240, 1209)
    assert sums["vector 252"].cpus == (59,)
    assert sums["vector 252"].differs


def test_counters_cover_a_longer_time_than_the_trace() -> None:
    """So they may have more interrupts, and never fewer."""
    recording = stored_trace("smp60-membarrier.txt.gz")
    sums = reconcile.sums_of_files(recording, BEFORE, AFTER)

    assert [(one.name, one.sent, one.received) for one in sums] == [
        ("line RES", 43, 48),
        ("line CAL", 1337, 1379),
    ]
    assert not any(one.differs for one in sums)
    assert reconcile.Sum(name="x", sent=3, received=2, wider=True).differs


def test_texts_that_are_no_counters_are_refused(tmp_path: Path) -> None:
    """So are those of the wrong order."""
    (tmp_path / "text").write_text("RES: 1 2 Rescheduling interrupts\n")

    with pytest.raises(UsageError, match="has fewer interrupts than"):
        reconcile.sums_of_files(recording_of(), AFTER, BEFORE)
    with pytest.raises(UsageError, match="it has no line CAL"):
        reconcile.sums_of_files(recording_of(), tmp_path / "text", AFTER)
    with pytest.raises(UsageError, match="cannot be read"):
        reconcile.sums_of_files(recording_of(), tmp_path / "none", AFTER)
