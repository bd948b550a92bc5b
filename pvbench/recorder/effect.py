"""What recording changes: the same work, recorded with csd_queue_cpu and without it."""

from __future__ import annotations

from pvbench.recorder.passes import Pass
from pvbench.text import counted, percent


def sentence(fully: Pass, sends_only: Pass | None) -> str:
    """
    Both passes in a sentence.

    Args:
        fully: the pass with csd_queue_cpu.
        sends_only: the one without it; None if no IPI was sent in it.
    """
    again = _amount(sends_only) if sends_only else "no send"
    return f"Recorded again without csd_queue_cpu: {again}; with it {_amount(fully)}."


def _amount(one: Pass) -> str:
    recording = one.recording
    sends = counted(recording.sent.total, "send")
    rate = f"{sends} in {one.seconds:.2f} s ({one.sends_per_second:.0f} a second)"
    share = share_of(one)
    return f"{rate}, {'unknown' if share is None else percent(share)} to one target"


def share_of(one: Pass) -> float | None:
    """The share of the sends that has one target; None if events are lost."""
    recording = one.recording
    return None if recording.losses else recording.unicasts / recording.sent.total
