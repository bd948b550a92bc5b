"""The events that a kernel has."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.recorder import kernel
from support.fake_tracefs import EVERYTHING, HISTOGRAM, fake_kernel


def test_a_kernel_with_all_events_is_accepted(tmp_path: Path) -> None:
    """It is Linux 6.5 or newer."""
    tracefs = fake_kernel(tmp_path, histogram=HISTOGRAM).tracefs

    kernel.check_sends(tracefs)
    kernel.check_receivers(tracefs)
    kernel.check_histograms(tracefs)
    assert kernel.received(tracefs) == tuple(kernel.RECEIVED.values())


def test_a_kernel_that_does_not_report_sends_is_refused(tmp_path: Path) -> None:
    """It can count what is received."""
    tracefs = fake_kernel(tmp_path, events=tuple(kernel.RECEIVED.values())).tracefs

    with pytest.raises(UnavailableError, match=r"no events ipi:ipi_send_cpu .* --receivers"):
        kernel.check_sends(tracefs)


def test_a_kernel_without_events_of_interrupts_counts_none(tmp_path: Path) -> None:
    """The sentence names the event."""
    events = tuple(event for event in EVERYTHING if "single" not in event)
    tracefs = fake_kernel(tmp_path, events=events).tracefs

    with pytest.raises(UnavailableError, match="irq_vectors:call_function_single_entry"):
        kernel.check_receivers(tracefs)


def test_a_kernel_may_have_no_histograms(tmp_path: Path) -> None:
    """They are an option of its configuration."""
    with pytest.raises(UnavailableError, match="without CONFIG_HIST_TRIGGERS"):
        kernel.check_histograms(fake_kernel(tmp_path).tracefs)
