"""
Target vCPUs: injection, halt polling and coalescing.

Costs are those of `support.model.ROUND`: notification 300, kick 700, wake-up 200
(polled) or 800 (blocked), entry 50, EOI 6, function 7, exit 40.
"""

from __future__ import annotations

import pytest

from pvbench_deliver_model.targets import Targets
from support.model import accepted, cost_profile_of, cpus, ints, targets_of


@pytest.mark.parametrize(
    ("apicv", "state", "expected"),
    [
        pytest.param(True, "running", (1_350, 1_363), id="posted-interrupt"),
        pytest.param(False, "running", (1_750, 1_763), id="kick"),
        pytest.param(True, "halted", (1_850, 1_863), id="wake-up"),
        pytest.param(False, "halted", (1_850, 1_863), id="wake-up-needs-no-kick"),
    ],
)
def test_an_idle_target_enters_its_handler_after_the_injection(
    apicv: bool, state: str, expected: tuple[int, int]
) -> None:
    """From 1000 on, the entry and 50 lead to the handler, 6 and 7 to the acknowledgement."""
    targets = Targets(cpus(4), cost_profile_of(apicv=apicv), state)

    assert [expected] == accepted(targets, [(1_000, 2)])


def wake_ups(idle_times: list[int], **changed: float) -> str:
    """How each wake-up went after the target had been idle so long: p or b."""
    targets = targets_of("halted", **changed)
    values, free = "", 0
    for idle in idle_times:
        ((entry, ack),) = accepted(targets, [(free + idle, 1)])
        values += {250: "p", 850: "b"}[entry - free - idle]
        free = ack + 40
    return values


@pytest.mark.parametrize(
    ("idle_times", "expected"),
    [
        pytest.param([1], "b", id="a-fresh-vcpu-does-not-poll"),
        pytest.param([19_999, 5_000], "bp", id="short-of-the-cap-is-a-short-sleep"),
        pytest.param([1, 5_000], "bp", id="start-window"),
        pytest.param([1, 5_001], "bb", id="start-window-missed"),
        pytest.param([1, 5_001, 10_000], "bbp", id="grown-twofold"),
        pytest.param([1, 5_001, 10_001], "bbb", id="grown-window-missed"),
        pytest.param([1, 5_000, 5_001], "bpb", id="a-polled-wake-up-grows-nothing"),
        pytest.param([1, 5_001, 10_001, 20_000], "bbbp", id="cap"),
        pytest.param([1, 5_001, 10_001, 20_001, 10_000], "bbbbp", id="long-sleep-halves"),
        pytest.param([1, 5_001, 10_001, 20_001, 10_001], "bbbbb", id="halved-window-missed"),
    ],
)
def test_halt_polling_grows_after_short_halts_and_shrinks_after_long_ones(
    idle_times: list[int], expected: str
) -> None:
    """
    KVM starts at 5000, grows by 2 up to 20000 and shrinks by 2; the halt is in the window.
    """
    assert expected == wake_ups(idle_times)


@pytest.mark.parametrize(
    ("idle_times", "expected"),
    [
        pytest.param([1, 5_001, 10_001, 17_999, 18_000], "bbbpp", id="inside"),
        pytest.param([1, 5_001, 10_001, 18_001, 1], "bbbbb", id="shrink-0-resets"),
    ],
)
def test_the_window_never_passes_the_cap(idle_times: list[int], expected: str) -> None:
    """Twice 10000 is cut to 18000; halt_poll_ns_shrink 0 starts from nothing."""
    assert expected == wake_ups(idle_times, halt_poll_max=18_000, halt_poll_shrink=0)


def test_a_halt_longer_than_the_cap_does_not_start_polling() -> None:
    """A window of nothing shrinks to nothing."""
    assert wake_ups([20_001, 1, 5_000]) == "bbp"


def test_each_vcpu_has_its_own_poll_window() -> None:
    """CPU 1 was woken before, CPU 2 was not."""
    targets = targets_of("halted")
    accepted(targets, [(1_000, 1)])

    handlers = accepted(targets, [(3_000, 1), (3_000, 2)])

    assert handlers == [(3_250, 3_263), (3_850, 3_863)]


def test_wake_ups_are_counted_by_kind() -> None:
    """First CPU 1 had to be scheduled; then CPU 2, while CPU 1 was caught by polling."""
    targets = targets_of("halted")
    accepted(targets, [(1_000, 1)])
    accepted(targets, [(3_000, 1), (3_000, 2)])

    assert targets.wakeups == (1, 2)


def test_an_interrupt_during_a_handler_is_not_a_wake_up() -> None:
    """The second finds the vCPU in its handler until 2863: no halt, no wake-up."""
    targets = targets_of("halted", interrupt_exit=1_000)

    handlers = accepted(targets, [(1_000, 1), (1_900, 1)])
    wakeups = targets.wakeups

    assert (handlers, wakeups) == ([(1_850, 1_863), (2_913, 2_926)], (0, 1))


def test_a_burst_may_reach_a_busy_and_an_idle_target() -> None:
    """CPU 1 is in its handler until 2863; CPU 2 has to be scheduled."""
    targets = targets_of("halted", interrupt_exit=1_000)
    accepted(targets, [(1_000, 1)])

    handlers = accepted(targets, [(1_900, 1), (1_900, 2)])

    assert (handlers, targets.wakeups[1]) == ([(2_913, 2_926), (2_750, 2_763)], 2)


@pytest.mark.parametrize(
    ("second", "handlers", "coalesced", "entries"),
    [
        pytest.param(1_000, 1, 1, [1_350, 1_350], id="same-instant"),
        pytest.param(1_349, 1, 1, [1_350, 1_350], id="still-pending"),
        pytest.param(1_350, 2, 0, [1_350, 1_700], id="just-entered"),
        pytest.param(5_000, 2, 0, [1_350, 5_350], id="long-done"),
    ],
)
def test_a_pending_vector_is_not_delivered_twice(
    second: int, handlers: int, coalesced: int, entries: list[int]
) -> None:
    """
    There is one IRR bit: until the handler is entered, a second send is the same interrupt.
    """
    targets = targets_of("running")

    values = [entry for entry, _ in accepted(targets, [(1_000, 1), (second, 1)])]
    counts = (targets.handlers.tolist()[1], targets.coalesced.tolist()[1])

    assert ((handlers, coalesced), entries) == (counts, values)


def test_separate_sends_coalesce_as_those_of_one_call() -> None:
    """A burst of another source is accepted in a call of its own."""
    targets = targets_of("running")
    accepted(targets, [(1_000, 1)])

    handlers = accepted(targets, [(1_100, 1)])

    assert (handlers, targets.coalesced.tolist()) == ([(1_350, 1_363)], [0, 1, 0, 0])


def test_another_vector_does_not_coalesce_but_waits_for_the_handler() -> None:
    """The first handler ends at 1403."""
    targets = targets_of("running")
    accepted(targets, [(1_000, 1)])

    handlers = accepted(targets, [(1_001, 1)], vector=0xFD)

    assert (handlers, targets.handlers.tolist()) == ([(1_453, 1_466)], [0, 2, 0, 0])


def test_a_handler_is_not_interrupted() -> None:
    """Notified at 1751, but the first handler ends at 3363."""
    targets = targets_of("running", interrupt_exit=2_000)

    handlers = accepted(targets, [(1_000, 1), (1_451, 1)])

    assert handlers == [(1_350, 1_363), (3_413, 3_426)]


def test_a_vcpu_takes_interrupts_when_it_enables_them_again() -> None:
    """A source sends with interrupts off; all sends of a vector meanwhile are one interrupt."""
    targets = targets_of("running")
    targets.masked_until = ints([0, 5_000, 0, 0])

    handlers = accepted(targets, [(1_000, 1), (1_000, 2), (4_000, 1)])

    assert handlers == [(5_350, 5_363), (1_350, 1_363), (5_350, 5_363)]


def test_a_reset_of_counts_keeps_the_state_of_vcpus() -> None:
    """The warm-up changes the state of the vCPUs, not the counts."""
    targets = targets_of("halted")
    accepted(targets, [(1_000, 1)])
    targets.reset_counts()

    accepted(targets, [(3_000, 1)])

    counts = (targets.handlers.tolist(), *targets.wakeups)
    assert counts == ([0, 1, 0, 0], 1, 0)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        pytest.param({"apicv": False, "pv_eoi": False}, 1_817, id="emulated"),
        pytest.param({"apicv": False, "pv_eoi": True}, 1_763, id="emulated-with-pv-eoi"),
        pytest.param({"apicv": True, "pv_eoi": False}, 1_363, id="apicv"),
    ],
)
def test_the_end_of_interrupt_exits_only_without_apicv_and_pv_eoi(
    features: dict[str, bool], expected: int
) -> None:
    """700 for a kick or 300, 50 until the handler, 60 or 6, and 7 for the function."""
    ((_, ack),) = accepted(targets_of("running", **features), [(1_000, 1)])

    assert expected == ack
