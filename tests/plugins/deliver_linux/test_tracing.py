"""Histograms of a tracefs that is an ordinary folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench_deliver_linux import tracing
from pvbench_deliver_linux.tracing import HYPERCALL, ICR_WRITE, traced, why_unusable

# As Linux 6.12 prints it.
HISTOGRAM = """# event histogram
#
# trigger info: hist:keys=common_pid,nr:vals=hitcount:sort=hitcount:size=16384 [active]
#

{ common_pid:         71, nr:         11 } hitcount:          2
{ common_pid:         72, nr:         10 } hitcount:         30
{ common_pid:         71, nr:         10 } hitcount:        101
{ common_pid:          5, nr:         10 } hitcount:         50

Totals:
    Hits: 183
    Entries: 4
    Dropped: 0
"""


@pytest.fixture
def tracefs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tracefs whose instances have the events of KVM, and a histogram of each."""
    for event in (HYPERCALL, ICR_WRITE):
        (tmp_path / "events" / event).mkdir(parents=True)
        (tmp_path / "events" / event / "hist").write_text(HISTOGRAM)
    (tmp_path / "instances").mkdir()
    events = tmp_path / "events"

    def mkdir(self: Path) -> None:
        shutil.copytree(events, self / "events")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(Path, "rmdir", shutil.rmtree)
    return tmp_path


def test_a_histogram_counts_the_vcpus_and_nothing_else(tracefs: Path) -> None:
    """Another guest on the host makes hypercalls too."""
    with traced([71, 72], [HYPERCALL], tracefs) as trace:
        counts = trace.counts(HYPERCALL)

    assert counts == {10: 131, 11: 2}


def test_an_instance_tells_values_apart_and_is_removed(tracefs: Path) -> None:
    """It is apart from other users of tracefs."""
    with traced([71], [HYPERCALL, ICR_WRITE], tracefs) as trace:
        triggers = [
            (trace.instance / "events" / event / "trigger").read_text()
            for event in (HYPERCALL, ICR_WRITE)
        ]

    assert triggers == [
        "hist:keys=common_pid,nr:size=16384",
        "hist:keys=common_pid,icr_low:size=16384",
    ]
    assert list((tracefs / "instances").iterdir()) == []


@pytest.mark.parametrize("text", [HISTOGRAM.replace("Dropped: 0", "Dropped: 7"), ""])
def test_a_histogram_that_lacks_events_is_refused(tracefs: Path, text: str) -> None:
    """A count that may be too small is unknown."""
    (tracefs / "events" / HYPERCALL / "hist").write_text(text)

    with (
        traced([71], [HYPERCALL], tracefs) as trace,
        pytest.raises(UnavailableError, match="is incomplete"),
    ):
        trace.counts(HYPERCALL)


def test_a_tracefs_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """It needs root."""
    with (
        pytest.raises(UnavailableError, match="cannot be used: No such file"),
        traced([71], [HYPERCALL], tmp_path / "nowhere"),
    ):
        pytest.fail("it is traced")
    assert "needs root" in str(why_unusable(tmp_path / "nowhere"))


def test_a_kernel_without_histograms_is_named(tracefs: Path) -> None:
    """CONFIG_HIST_TRIGGERS is off."""
    assert why_unusable(tracefs) is None
    (tracefs / "events" / ICR_WRITE / "hist").unlink()

    assert why_unusable(tracefs) == f"the kernel has no histogram of {tracing.ICR_WRITE}"


def test_a_histogram_that_cannot_be_read_is_one_sentence(tracefs: Path) -> None:
    """The kernel may refuse it."""
    with traced([71], [HYPERCALL], tracefs) as trace:
        (trace.instance / "events" / HYPERCALL / "hist").unlink()

        with pytest.raises(UnavailableError, match="hist cannot be used"):
            trace.counts(HYPERCALL)
