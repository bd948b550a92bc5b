"""The work of senders for a recording is what the decoder makes of each send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pvbench.errors import PluginError, SenderError
from pvbench.linux_era import LinuxEra
from pvbench.masks import MaskCounts, Masks
from pvbench.recording.sends import sends_of
from pvbench.replay import work as replay_work
from pvbench.replay.work import Sending, Tally, Work, work_of
from pvbench.sender import Sender, Stack
from support import faulty_senders as faulty
from support.helpers import CURRENT, ERAS, bundled, guest_of, guests, stack_of
from support.recordings import FLUSH, recording_of
from support.replays import decoded_sums, recordings

DRIVERS = sorted(n for n, d in bundled().drivers.items() if d.mechanism != "kernel")
STACKS = [*DRIVERS, *(f"{name}/x2apic-physical" for name in sorted(bundled().overlays))]


def ignore(done: int) -> None:
    """No progress."""


def sums_of(works: Mapping[Work, Tally]) -> dict[str, int]:
    """The totals of all sends."""
    return {
        name: sum(getattr(work, name) * tally.count for work, tally in works.items())
        for name in ("icr_writes", "hypercalls", "lost")
    }


@pytest.mark.parametrize("name", STACKS)
@settings(max_examples=20)
@given(data=st.data(), linux=st.sampled_from(ERAS))
def test_the_counts_of_a_recording_are_those_of_the_decoder(
    name: str, data: st.DataObject, linux: LinuxEra
) -> None:
    """For random recordings, guests and kernels."""
    stack = stack_of(name)
    guest = data.draw(guests(stack))
    recording = data.draw(recordings(len(guest.apic_ids)))
    sends, sending = sends_of(recording, guest), Sending(stack, guest, linux)
    assume(sending.why_refused(sends) is None)

    assert sums_of(work_of(sends, sending, ignore)) == decoded_sums(
        recording, stack, guest, linux
    )


def work_of_masks(stack: Stack) -> Mapping[Work, Tally]:
    """The work of *stack* for two masks in a guest of eight CPUs."""
    rows = [(0, 0, (1, 2), 0), (1, 0, (1, 2, 3), 0), (2, 7, (1, 2), 0)]
    recording = recording_of(rows, 8, calls=(FLUSH,))
    guest = stack.guest(guest_of(range(8)))
    return work_of(sends_of(recording, guest), Sending(stack, guest, CURRENT), ignore)


def over_physical(sender: Sender) -> Stack:
    """*sender* over a driver."""
    return attrs.evolve(stack_of("x2apic-physical"), overlay=sender)


def test_masks_of_a_sender_that_does_not_count_them_are_counted_by_its_ops() -> None:
    """Equal masks are one distinct mask."""
    works = work_of_masks(over_physical(faulty.FaultlessSender()))

    assert sums_of(works) == {"icr_writes": 0, "hypercalls": 3, "lost": 0}
    assert sorted((work.targets, tally.count) for work, tally in works.items()) == [
        (2, 2),
        (3, 1),
    ]


def test_a_sender_that_miscounts_masks_is_refused() -> None:
    """Some masks are counted by their ops as well."""
    with pytest.raises(SenderError, match=r"does not agree with its ops: for \(1, 2\)"):
        work_of_masks(over_physical(faulty.MiscountsMasks()))


class CountsTooFew(faulty.FaultlessSender):
    def mask_counts(self, masks: Masks) -> MaskCounts:
        columns: dict[str, Any] = dict.fromkeys(
            ("icr_writes", "hypercalls", "stores", "lost"), np.zeros(0, np.int64)
        )
        return MaskCounts(**columns)


class CountsBelowZero(faulty.FaultlessSender):
    def mask_counts(self, masks: Masks) -> MaskCounts:
        return masks.counts(hypercalls=-1)


def test_a_negative_count_is_the_fault_of_the_sender() -> None:
    """No mask takes fewer hypercalls than none."""
    with pytest.raises(PluginError, match="a count is negative"):
        work_of_masks(over_physical(CountsBelowZero()))


def test_masks_of_large_guests_are_told_apart_by_sorting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their numbers have too many combinations for a key."""
    stack = stack_of("kvm-pv-cluster128/x2apic-physical")
    works = work_of_masks(stack)
    monkeypatch.setattr(replay_work, "_MOST_KEYS", 0)

    assert {w: t.count for w, t in work_of_masks(stack).items()} == {
        w: t.count for w, t in works.items()
    }


def test_counts_that_are_no_column_of_the_masks_are_the_fault_of_the_sender() -> None:
    """The error names it."""
    with pytest.raises(PluginError, match=r"mask_counts\(\) of sender test-sender raises"):
        work_of_masks(over_physical(CountsTooFew()))
