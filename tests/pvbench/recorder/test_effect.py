"""What recording changes."""

from __future__ import annotations

from pvbench.recorder import effect
from pvbench.recorder.passes import Pass
from pvbench.recording.recording import Loss
from support.recordings import recording_of


def test_both_passes_are_in_one_sentence() -> None:
    """Rates and shares can be compared; a pass with losses has no share."""
    fully = Pass(recording=recording_of(), seconds=2.0, status=0)
    lost = Loss(cpu=0, events=5, reason="CPU 0 lost 5 events")
    sends_only = Pass(recording=recording_of(losses=(lost,)), seconds=0.5, status=0)

    assert effect.sentence(fully, sends_only) == (
        "Recorded again without csd_queue_cpu: 4 sends in 0.50 s (8 a second), unknown to one "
        "target; with it 4 sends in 2.00 s (2 a second), 50 % to one target."
    )


def test_the_second_pass_may_have_no_send() -> None:
    """It is shorter."""
    fully = Pass(recording=recording_of(), seconds=2.0, status=0)

    assert "without csd_queue_cpu: no send; with it 4 sends" in effect.sentence(fully, None)
