"""Random recordings, and what a stack makes of them send by send."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import counted
from pvbench.dispatch import program, reached
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst
from pvbench.recording.recording import Recording
from pvbench.recording.sends import burst_of
from pvbench.sender import Stack
from support.helpers import cpu_sets
from support.recordings import CALLS, Row, recording_of, rows_of

Sums = dict[str, int]


@cache
@st.composite
def recordings(draw: st.DrawFn, cpus: int) -> Recording:
    """Reschedules, calls of one CPU and masks, some of them several times."""
    cpu = st.integers(0, cpus - 1)
    masks = cpu_sets(cpus).filter(bool)
    rows: list[Row] = []
    for _ in range(draw(st.integers(1, 12))):
        source, call = draw(cpu), draw(st.integers(0, len(CALLS) - 1))
        targets = draw(masks) if call == len(CALLS) - 1 else (draw(cpu),)
        rows += [(len(rows), source, targets, call)] * draw(st.integers(1, 3))
    return recording_of(rows, cpus)


def bursts_of(recording: Recording) -> list[Burst]:
    """The burst of each send."""
    called = [call.kind != "reschedule" for call in recording.calls]
    return [
        burst_of(source, targets, called=called[call])
        for _, source, targets, call in rows_of(recording)
    ]


def decoded_sums(recording: Recording, stack: Stack, guest: Guest, linux: LinuxEra) -> Sums:
    """What the decoder makes of each send, summed up."""
    sums = dict.fromkeys(("icr_writes", "hypercalls", "lost"), 0)
    for burst in bursts_of(recording):
        sends = Decoder(guest, burst.source).sends(
            program(stack, burst, guest, linux=linux).program
        )
        icr_writes, hypercalls = counted(sends)
        hit = {cpu for send in sends for cpu in send.cpus.tolist()}
        sums["icr_writes"] += icr_writes
        sums["hypercalls"] += hypercalls
        sums["lost"] += len(set(reached(burst, guest)) - hit)
    return sums
