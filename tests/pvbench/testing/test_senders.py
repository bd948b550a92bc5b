"""The kit for authors of senders refuses what errs, and says where."""

from __future__ import annotations

import re

import pytest

from pvbench.sender import Sender, Stack
from pvbench.testing.senders import check_case, check_sender
from support import planted_senders as planted
from support.helpers import burst_of, guest_of, stack_of


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        pytest.param(planted.FallsBack(), "is a hypercall sender, but falls", id="native"),
        pytest.param(planted.FallsBackForOne(), "but falls back", id="half-native"),
        pytest.param(planted.NoShorthand(), "is a shorthand sender, but", id="addressed"),
        pytest.param(planted.LosesOne(), r"misses CPU 0$", id="loses-one"),
        pytest.param(planted.LosesAll(), r"misses CPU 0$", id="loses-all"),
        pytest.param(planted.OnlySmallMasks(), r"misses CPU 7$", id="loses-many"),
        pytest.param(planted.HitsTwice(), r"hits twice CPU 1$", id="hits-twice"),
        pytest.param(planted.HitsAStranger(), "hits a stranger, CPU 5", id="stranger"),
        pytest.param(planted.WrongVector(), "sends vector 0xfd, not 0xfc", id="vector"),
        pytest.param(planted.WrongAbi(), "KVM_HC_SEND_IPI takes 4 registers", id="abi"),
        pytest.param(planted.Faults(), "MSR 0x831 sends nothing", id="another-msr"),
        pytest.param(planted.Raises(), r"KeyError: 0$", id="raises"),
        pytest.param(planted.LeavesInterruptsOff(), "interrupts off", id="interrupts-off"),
        pytest.param(planted.YieldsNoOp(), "Fence.*, which is no op", id="yields-no-op"),
        pytest.param(planted.Impure(), "two calls give different ops", id="impure"),
        pytest.param(planted.NoInt(), r"ValueError: Scan\.cpus is np\.int64", id="no-int"),
        pytest.param(
            planted.DropsAStranger(),
            r"drops\(\) names what is no target: \[999\]",
            id="drops-a-stranger",
        ),
        pytest.param(planted.DropsAList(), "not a frozenset of CPUs", id="drops-a-list"),
        pytest.param(
            planted.DeclinesInSilence(), "declines by '', which is no reason", id="no-reason"
        ),
        pytest.param(planted.RefusesByTrue(), "declines by True", id="reason-is-no-text"),
        pytest.param(planted.DeclinesByTurns(), "and the next time it does not", id="by-turns"),
        pytest.param(
            planted.FailsToDecline(), "declining it raises KeyError: 251", id="refuses-raises"
        ),
    ],
)
def test_a_sender_that_errs_is_refused_with_stack_guest_and_burst(
    sender: Sender, sentence: str
) -> None:
    """One sentence, from which the author can call `pvbench explain`."""
    place = r"^planted/[\w-]+ on [\w:,-]+( with shorthands)?, \w+ 0x[0-9a-f]+ of CPU \d+.*: "

    with pytest.raises(AssertionError, match=f"{place}.*{sentence}"):
        check_sender(sender)


@pytest.mark.parametrize(
    ("sender", "sentence"),
    [
        pytest.param(
            planted.DeclinesAll(),
            "planted: it declines every guest or every burst",
            id="declines-every-guest",
        ),
        pytest.param(
            planted.RefusesAll(),
            "planted: it declines every guest or every burst",
            id="refuses-every-burst",
        ),
        pytest.param(
            planted.NothingOfItsOwn(),
            "planted: no callback of its own ever sent anything",
            id="no-callback",
        ),
        pytest.param(
            planted.Capital(),
            "sender Planted: its plugin would be broken: it offers a sender called 'Planted': "
            "not lower case with dashes",
            id="capital",
        ),
        pytest.param(
            planted.Magic(),
            "sender planted: its plugin would be broken: planted.mechanism is 'magic', "
            "not one of icr, shorthand, hypercall, kernel",
            id="mechanism",
        ),
        pytest.param(
            planted.NoSummary(),
            "sender planted: its plugin would be broken: it offers a sender without a summary: "
            "'planted'",
            id="no-summary",
        ),
    ],
)
def test_a_sender_that_shows_nothing_is_refused(sender: Sender, sentence: str) -> None:
    """A check that checked nothing must not pass."""
    with pytest.raises(AssertionError, match=f"^{re.escape(sentence)}$"):
        check_sender(sender)


def test_a_sender_without_a_fault_passes() -> None:
    """Else the refusals above would prove nothing."""
    check_sender(planted.Planted())


def test_a_case_that_the_sender_declines_is_none() -> None:
    """A reason is an answer, no fault."""
    stack = Stack(stack_of("x2apic-physical").driver, planted.Planted())

    found = check_case(stack, guest_of((0, 64)), burst_of("send_IPI_mask", 1))

    assert found is None


def test_a_case_that_passes_is_prepared_for_the_stack() -> None:
    """In a guest booted as the stack needs it, ready for a delivery."""
    found = check_case(stack_of("xapic-flat"), guest_of(range(3)), burst_of("send_IPI_mask", 2))

    assert found is not None
    assert (found.case.guest.apic_mode, found.bursts[0].cpus) == ("xapic", (2,))
