"""Senders that also do something else that exits: their ICR writes, exits and times."""

from __future__ import annotations

import pytest

from pvbench.ops import Cpuid, Fence, Hypercall, Op, RdMsr, WrMsr
from pvbench.run.prepared import prepare
from pvbench.sender import Apic, Ops, Sender, Stack
from support.helpers import guest_of, stack_of
from support.model import case_of, cost_profile_of, mask, run_case


class Extra(Sender):
    """x2APIC physical, and another instruction before each send."""

    name = "extra"
    summary = "for tests"

    def __init__(self, before: tuple[Op, ...] = (), after: tuple[Op, ...] = ()) -> None:
        self.before, self.after = before, after

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Fence()
        for cpu in cpus:
            yield from self.before
            yield WrMsr(0x830, apic.id(cpu) << 32 | vector)
        yield from self.after


NOTHING = Extra()
WRITES = Extra(before=(WrMsr(0x6E0, 0),))
READS = Extra(before=(RdMsr(0x10),))
IDENTIFIES = Extra(before=(Cpuid(0x4000_0000),))
YIELDS = Extra(after=(Hypercall(11, (1,)),))


def measured(sender: Sender) -> tuple[int | None, int | None, int | None, int]:
    """ICR writes, hypercalls, exits and the time of the send to two CPUs."""
    stack = Stack(stack_of("x2apic-physical").driver, sender)
    case = case_of(stack, guest_of(range(4)), mask(0, 1, 2))
    _, result = run_case(case, cost_profile_of())
    counts = result.counts
    send = result.distributions["send"].total
    return counts.icr_writes, counts.hypercalls, counts.exits, send


@pytest.mark.parametrize(
    ("sender", "hypercalls", "exits", "more_ps"),
    [
        pytest.param(NOTHING, 0, 2, 0, id="nothing-else"),
        pytest.param(WRITES, 0, 4, 2 * 550, id="another-msr"),
        pytest.param(READS, 0, 4, 2 * 550, id="rdmsr"),
        pytest.param(IDENTIFIES, 0, 4, 2 * 550, id="cpuid"),
        pytest.param(YIELDS, 1, 3, 1_000, id="yield-after-a-multicast"),
    ],
)
def test_only_writes_to_the_icr_are_icr_writes_and_each_exit_has_its_cost(
    sender: Sender, hypercalls: int, exits: int, more_ps: int
) -> None:
    """Two targets take two ICR writes, whatever else the driver does."""
    writes, calls, all_exits, send_ps = measured(sender)

    assert (writes, calls, all_exits) == (2, hypercalls, exits)
    assert send_ps - measured(NOTHING)[3] == more_ps


@pytest.mark.parametrize("sender", [WRITES, READS, IDENTIFIES, YIELDS])
def test_the_static_check_accepts_ops_that_send_nothing(sender: Sender) -> None:
    """They are neither a fault nor another mechanism."""
    stack = Stack(stack_of("x2apic-physical").driver, sender)

    (expected,) = prepare(case_of(stack, guest_of(range(4)), mask(0, 1, 2))).bursts

    assert (expected.cpus, expected.icr_writes) == ((1, 2), 2)
