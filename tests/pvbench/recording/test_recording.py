"""The numbers that follow from the columns of a recording."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from pvbench.recording.bursts import Call
from pvbench.recording.recording import Loss, is_emulated, lost_by_cpu
from support.recordings import recording_of


def test_interrupts_and_unicasts_are_counted() -> None:
    """A multicast to three CPUs is one send and three interrupts."""
    recording = recording_of()

    assert (recording.sent.total, recording.interrupts, recording.unicasts) == (4, 8, 2)
    assert recording.span == 8000


def test_a_burst_with_a_count_stands_for_as_many() -> None:
    """A histogram has counts instead of rows."""
    recording = recording_of()
    sent = attrs.evolve(recording.sent, count=np.array([5, 1, 1, 2], np.int64))
    recording = attrs.evolve(recording, sent=sent)

    assert (recording.sent.total, recording.interrupts, recording.unicasts) == (9, 15, 6)


@pytest.mark.parametrize(("accepted", "is_void"), [(False, True), (True, False)])
def test_lost_events_void_the_totals_unless_they_are_accepted(
    accepted: bool, is_void: bool
) -> None:
    """The events that are lost without a number are a loss as well."""
    losses = (Loss(cpu=2, events=5, reason="r"), Loss(cpu=None, events=None, reason="r"))
    recording = recording_of(losses=losses, accepted=accepted)

    assert (recording.is_void, recording.lost_events) == (is_void, 5)
    assert lost_by_cpu(losses) == {2: 5, None: 0}
    assert not recording_of().is_void


@pytest.mark.parametrize(
    ("call", "vector", "wait", "operation"),
    [
        (("reschedule", "update_curr+0x77", "0x0", True), 253, False, "send_IPI"),
        (
            ("single", "ttwu_queue_wakelist+0xd", "f", True),
            251,
            False,
            "smp_call_function_single",
        ),
        (("single", "generic_exec_single", "f", True), 251, None, "smp_call_function_single"),
        (
            ("single", "generic_exec_single", "nohz_csd_func", True),
            251,
            False,
            "smp_call_function_single",
        ),
        (("many", "smp_call_function+0x2c", "f", True), 251, True, "smp_call_function_many"),
        (("many", "smp_call_function+0x2c", "f", False), 252, True, "smp_call_function_many"),
    ],
)
def test_a_call_has_the_vector_and_the_entry_point_of_linux(
    call: tuple[str, str, str, bool], vector: int, wait: bool | None, operation: str
) -> None:
    """A call of many that has one target left is sent with the vector for one."""
    kind, callsite, function, one_target = call
    one = Call(kind=kind, callsite=callsite, function=function, one_target=one_target)

    assert (one.vector, one.wait, one.operation) == (vector, wait, operation)


def test_an_emulator_is_known_by_the_name_of_its_cpu() -> None:
    """A guest of KVM has the name of a real CPU."""
    assert is_emulated("QEMU TCG CPU version 2.5+")
    assert not is_emulated("AMD EPYC 7B13")
