"""Recordings for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pvbench.recording.bursts import Bursts, Call
from pvbench.recording.recording import Recording
from pvbench.recording.sets import distinct, of_members

RESCHEDULE = Call(kind="reschedule", callsite="wakeup_preempt+0x37", function="0x0")
WAKE_UP = Call(kind="single", callsite="ttwu_queue_wakelist+0xdd", function="f+0x0")
FLUSH = Call(
    kind="many", callsite="on_each_cpu_cond_mask+0x24", function="f+0x0", one_target=False
)
CALLS = (RESCHEDULE, WAKE_UP, FLUSH)
# (time, source, targets, call)
Row = tuple[int, int, tuple[int, ...], int]
ROWS: Sequence[Row] = (
    (1000, 0, (1,), 0),
    (2500, 3, (0, 1, 2), 2),
    (2500, 1, (2,), 1),
    (9000, 3, (0, 1, 2), 2),
)


def recording_of(rows: Sequence[Row] = ROWS, cpus: int = 4, **fields: Any) -> Recording:
    """A recording whose sends are *rows*."""
    table, index = distinct(of_members(targets for _, _, targets, _ in rows))
    sent = Bursts(
        time=np.array([row[0] for row in rows], np.int64),
        source=np.array([row[1] for row in rows], np.uint16),
        targets=index.astype(np.uint32),
        call=np.array([row[3] for row in rows], np.uint16),
    )
    fields = {"producer": "a test", "clock": "ns", "calls": CALLS} | fields
    return Recording(cpus=cpus, sets=table, sent=sent, **fields)


def rows_of(recording: Recording) -> list[Row]:
    """The sends of a recording."""
    sent, sets = recording.sent, recording.sets
    columns = zip(sent.time, sent.source, sent.targets, sent.call, strict=True)
    return [(int(t), int(s), sets.members(int(m)), int(c)) for t, s, m, c in columns]
