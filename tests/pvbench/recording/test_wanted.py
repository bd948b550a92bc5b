"""Wanted bursts: the runs of csd_queue_cpu events."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.recording.recording import Recording
from support.traces import from_text, mask, one_cpu, queued, report_of, stored_trace

SITE = "on_each_cpu_cond_mask+0x24"
WAKE_UP = "ttwu_queue_wakelist+0xdd"


def wanted(recording: Recording) -> list[tuple[int, tuple[int, ...]]]:
    """Source and targets of each wanted burst."""
    bursts = recording.wanted
    return [
        (source, recording.sets.members(index))
        for source, index in zip(bursts.source.tolist(), bursts.targets.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [(0, queued(1)), (0, queued(2)), (0, mask("1-2"))], [(0, (1, 2))], id="all-sent"
        ),
        pytest.param(
            [(0, queued(1)), (0, queued(2)), (0, queued(4)), (0, one_cpu(2, SITE))],
            [(0, (1, 2, 4))],
            id="one-sent",
        ),
        pytest.param(
            [(0, queued(1)), (0, mask("1-2")), (0, queued(2)), (0, mask("2-3"))],
            [(0, (1,)), (0, (2,))],
            id="a-send-ends-it",
        ),
        pytest.param(
            [(0, queued(1)), (0, queued(2)), (0, queued(1)), (0, queued(2))],
            [(0, (1, 2)), (0, (1, 2))],
            id="nothing-sent",
        ),
        pytest.param(
            [(0, queued(1)), (0, queued(2, "do_sync_core"))],
            [(0, (1,)), (0, (2,))],
            id="another-function",
        ),
        pytest.param(
            [(0, queued(2)), (5, queued(1)), (0, queued(3)), (5, queued(4))],
            [(0, (2, 3)), (5, (1, 4))],
            id="two-sources",
        ),
        pytest.param(
            [
                (0, queued(1)),
                (0, queued(7, "sched_ttwu_pending", WAKE_UP)),
                (0, one_cpu(7, WAKE_UP)),
                (0, queued(3)),
            ],
            [(0, (1, 3)), (0, (7,))],
            id="an-interrupt-inside",
        ),
        pytest.param(
            [(0, queued(n, "sched_ttwu_pending", WAKE_UP)) for n in (1, 2)],
            [(0, (1,)), (0, (2,))],
            id="calls-for-one-cpu",
        ),
    ],
)
def test_a_wanted_burst_is_a_run_of_calls(
    tmp_path: Path,
    events: list[tuple[int, str]],
    expected: list[tuple[int, tuple[int, ...]]],
) -> None:
    """It ends with a send from its callsite, or where the next call begins."""
    text = report_of([*events, (6, one_cpu(0))])

    assert wanted(from_text(tmp_path, text)) == expected


def test_sets_beyond_one_word_are_joined(tmp_path: Path) -> None:
    """A run of 130 CPUs has three words."""
    text = report_of([(0, queued(cpu)) for cpu in range(1, 130)])

    assert wanted(from_text(tmp_path, text)) == [(0, tuple(range(1, 130)))]


def test_wanted_and_sent_are_kept_apart() -> None:
    """The 60-vCPU membarrier recording wants more than it sends."""
    recording = stored_trace("smp60-membarrier.txt.gz")

    assert (recording.sent.total, recording.wanted.total) == (171, 129)
    assert recording.events["csd_queue_cpu"] == sum(len(one) for _, one in wanted(recording))
