"""Faulty senders are refused before they run, and the fault is named."""

from __future__ import annotations

import pytest

from pvbench.errors import SenderError
from pvbench.ops import KernelSend
from pvbench.run.prepared import Prepared, prepare
from pvbench.sender import Apic, Driver, Ops, Sender, Stack
from support.faulty_senders import (
    BadIcr,
    FallsBack,
    FallsBackForOne,
    FaultlessSender,
    Faults,
    HitsAnUnexpectedCpu,
    HitsItself,
    HitsTwice,
    LeavesInterruptsOff,
    LosesAll,
    LosesOne,
    NoShorthand,
    Raises,
    RaisesHalfWay,
    WrongAbi,
    WrongVector,
    YieldsNoOp,
)
from support.helpers import stack_of
from support.model import call, case_of, cpus


def prepared_with(sender: Sender) -> Prepared:
    """CPU 0 of six calls CPUs 1, 2 and 3 with *sender*."""
    stack = Stack(stack_of("x2apic-physical").driver, sender)
    return prepare(case_of(stack, cpus(6), call(0, 1, 2, 3)))


@pytest.mark.parametrize(
    ("sender", "fault"),
    [
        pytest.param(FallsBack(), "it declares mechanism hypercall but sends by", id="native"),
        pytest.param(
            FallsBackForOne(), "it declares mechanism hypercall but sends by", id="half-native"
        ),
        pytest.param(
            NoShorthand(), "it declares mechanism shorthand but sends by", id="addressed"
        ),
        pytest.param(LosesOne(), r"check: it does not reach CPU 3$", id="loses-one"),
        pytest.param(LosesAll(), r"check: it does not reach CPU 1, 2, 3$", id="loses-all"),
        pytest.param(HitsTwice(), r"check: it reaches CPU 2 more than once$", id="hits-twice"),
        pytest.param(
            HitsAnUnexpectedCpu(),
            r"check: it reaches CPU 5, which is not a target$",
            id="unexpected-cpu",
        ),
        pytest.param(
            HitsItself(), r"check: it reaches CPU 0, which is not a target$", id="itself"
        ),
        pytest.param(
            WrongVector(), r"check: it sends vector 0xfd, not 0xfc$", id="wrong-vector"
        ),
        pytest.param(
            BadIcr(),
            r"op 2: ICR 0x8fc is not a message to physical destinations",
            id="logical-icr",
        ),
        pytest.param(WrongAbi(), r"op 2: .*KVM_HC_SEND_IPI takes 4 arguments", id="wrong-abi"),
        pytest.param(Faults(), r"op 4: writing MSR 0x831 sends no IPI", id="another-msr"),
        pytest.param(Raises(), r"check: sender test-sender raises KeyError: 1$", id="raises"),
        pytest.param(
            RaisesHalfWay(),
            "test-sender raises RuntimeError: no more",
            id="raises-half-way",
        ),
        pytest.param(LeavesInterruptsOff(), "interrupts disabled", id="leaves-interrupts-off"),
        pytest.param(YieldsNoOp(), "Fence", id="yields-what-is-no-op"),
    ],
)
def test_a_faulty_sender_is_refused(sender: Sender, fault: str) -> None:
    """It must reach each target once and no other CPU, by its declared mechanism."""
    with pytest.raises(
        SenderError, match=rf"^test-sender/x2apic-physical on dense:6 .*{fault}"
    ):
        prepared_with(sender)


class Borrows(Driver):
    name, summary, apic_mode = "borrows", "a test's", "x2apic"

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield KernelSend(vector, cpus)


def test_a_driver_must_send_by_its_declared_mechanism() -> None:
    """A driver may not use another mechanism either."""
    case = case_of(Stack(Borrows()), cpus(6), call(0, 1, 2, 3))

    with pytest.raises(SenderError, match="it declares mechanism icr but sends by another one"):
        prepare(case)


def test_the_correct_sender_passes() -> None:
    """Otherwise the refusals above would prove nothing."""
    expected = prepared_with(FaultlessSender()).bursts[0]

    assert (expected.cpus, expected.hypercalls, expected.returned) == ((1, 2, 3), 1, 3)
