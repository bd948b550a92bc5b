"""The conformance kit refuses faulty senders and says where the fault is."""

from __future__ import annotations

import re

import pytest

from pvbench.sender import Sender, Stack
from pvbench.testing.senders import check_case, check_sender
from support import faulty_senders as faulty
from support.helpers import burst_of, guest_of, stack_of


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        pytest.param(
            faulty.FallsBack(),
            "it declares mechanism hypercall but sends by",
            id="native",
        ),
        pytest.param(faulty.FallsBackForOne(), "but sends by another one", id="half-native"),
        pytest.param(
            faulty.NoShorthand(), "it declares mechanism shorthand but", id="addressed"
        ),
        pytest.param(faulty.LosesOne(), r"it does not reach CPU 0$", id="loses-one"),
        pytest.param(faulty.LosesAll(), r"it does not reach CPU 0$", id="loses-all"),
        pytest.param(faulty.OnlySmallMasks(), r"it does not reach CPU 7$", id="loses-many"),
        pytest.param(faulty.HitsTwice(), r"it reaches CPU 1 more than once$", id="hits-twice"),
        pytest.param(
            faulty.HitsAnUnexpectedCpu(),
            "it reaches CPU 5, which is not a target",
            id="unexpected-cpu",
        ),
        pytest.param(faulty.WrongVector(), "sends vector 0xfd, not 0xfc", id="vector"),
        pytest.param(faulty.WrongAbi(), "KVM_HC_SEND_IPI takes 4 arguments", id="abi"),
        pytest.param(faulty.Faults(), "writing MSR 0x831 sends no IPI", id="another-msr"),
        pytest.param(faulty.Raises(), r"KeyError: 0$", id="raises"),
        pytest.param(faulty.LeavesInterruptsOff(), "interrupts disabled", id="interrupts-off"),
        pytest.param(faulty.YieldsNoOp(), "Fence.*, which is not an op", id="yields-no-op"),
        pytest.param(faulty.Impure(), "two calls give different ops", id="impure"),
        pytest.param(faulty.NoInt(), r"ValueError: Scan\.cpus is np\.int64", id="no-int"),
        pytest.param(
            faulty.DropsAnUnexpectedCpu(),
            r"drops\(\) names CPU 999, which is not a target",
            id="drops-an-unexpected-cpu",
        ),
        pytest.param(
            faulty.MiscountsMasks(),
            r"mask_counts\(\) gives \[2\] hypercalls, and its ops 1$",
            id="miscounts-masks",
        ),
        pytest.param(faulty.DropsAList(), "not a frozenset of CPUs", id="drops-a-list"),
        pytest.param(faulty.DeclinesInSilence(), "its reason to refuse is ''", id="no-reason"),
        pytest.param(
            faulty.RefusesByTrue(),
            "its reason to refuse is True",
            id="reason-is-no-text",
        ),
        pytest.param(
            faulty.DeclinesByTurns(),
            "two calls give different reasons to refuse it",
            id="by-turns",
        ),
        pytest.param(
            faulty.FailsToDecline(),
            "refusing it raises KeyError: 251",
            id="refuses-raises",
        ),
    ],
)
def test_a_faulty_sender_is_refused_with_stack_guest_and_burst(
    sender: Sender, sentence: str
) -> None:
    """The sentence has all that the author needs for `pvbench explain`."""
    place = r"^test-sender/[\w-]+ on [\w:,-]+, Linux [0-9.]+, \w+ 0x[0-9a-f]+ from CPU \d+.*: "

    with pytest.raises(AssertionError, match=f"{place}.*{sentence}"):
        check_sender(sender)


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        pytest.param(
            faulty.DeclinesAll(),
            "test-sender: it refuses every guest or every burst",
            id="refuses-every-guest",
        ),
        pytest.param(
            faulty.RefusesAll(),
            "test-sender: it refuses every guest or every burst",
            id="refuses-every-burst",
        ),
        pytest.param(
            faulty.NothingOfItsOwn(),
            "test-sender: none of its callbacks ever sent an IPI",
            id="no-callback",
        ),
        pytest.param(
            faulty.Capital(),
            "sender Test-sender: the loader refuses it: it offers a sender called "
            "'Test-sender': not lower case with dashes",
            id="capital",
        ),
        pytest.param(
            faulty.Magic(),
            "sender test-sender: the loader refuses it: test-sender.mechanism is 'magic', "
            "not one of icr, shorthand, hypercall, kernel",
            id="mechanism",
        ),
        pytest.param(
            faulty.NoSummary(),
            "sender test-sender: the loader refuses it: it offers a sender without a summary: "
            "'test-sender'",
            id="no-summary",
        ),
    ],
)
def test_a_sender_that_never_sends_is_refused(sender: Sender, sentence: str) -> None:
    """A check without any case must not pass."""
    with pytest.raises(AssertionError, match=f"^{re.escape(sentence)}$"):
        check_sender(sender)


def test_a_correct_sender_passes() -> None:
    """Otherwise the refusals above would prove nothing."""
    check_sender(faulty.FaultlessSender())


def test_a_refused_case_gives_none() -> None:
    """A reason is a valid answer, not a fault."""
    stack = Stack(stack_of("x2apic-physical").driver, faulty.FaultlessSender())

    result = check_case(stack, guest_of((0, 64)), burst_of("send_IPI_mask", 1))

    assert result is None


def test_a_case_that_passes_is_prepared_for_the_stack() -> None:
    """Its guest has the APIC mode and ABI that the stack needs."""
    result = check_case(
        stack_of("xapic-flat"), guest_of(range(3)), burst_of("send_IPI_mask", 2)
    )

    assert result is not None
    assert (result.case.guest.apic_mode, result.bursts[0].cpus) == ("xapic", (2,))
