"""Linux's choice between unicast, mask and broadcast."""

from __future__ import annotations

import pytest

from pvbench.dispatch import program, reached, rest_of, uninterrupted
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst, Hypercall, MmioWrite, WrMsr
from pvbench.sender import Apic, Ops, Sender, Stack
from support.helpers import (
    CURRENT,
    FIRST_PV,
    MASKS,
    burst_of,
    call_args,
    guest_of,
    only,
    sent,
    stack_of,
)

FOUR = (10, 11, 12, 13)  # APIC IDs that are no CPU numbers


class Recorder(Sender):
    """An overlay with every callback; each records its name and arguments in one op."""

    name = "recorder"
    summary = "for tests"

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        yield Hypercall(0, (vector, cpu))

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Hypercall(1, (vector, *cpus))

    def send_IPI_mask_allbutself(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Hypercall(2, (vector, *cpus))

    def send_IPI_allbutself(self, apic: Apic, vector: int) -> Ops:
        yield Hypercall(3, (vector,))

    def send_IPI_all(self, apic: Apic, vector: int) -> Ops:
        yield Hypercall(4, (vector,))

    def send_IPI_self(self, apic: Apic, vector: int) -> Ops:
        yield Hypercall(5, (vector,))


CALL_SINGLE = "smp_call_function_single"
CALL_MANY = "smp_call_function_many"
SELF_AND_OTHERS = burst_of(CALL_MANY, 0, 1, 2)


@pytest.mark.parametrize(
    ("burst", "expected"),
    [
        pytest.param(burst_of(CALL_SINGLE, 2), [(0, 0xFB, 2)], id="single"),
        pytest.param(burst_of(CALL_MANY, 2), [(0, 0xFB, 2)], id="many-of-one-is-unicast"),
        pytest.param(burst_of(CALL_MANY, 0, 2), [(0, 0xFB, 2)], id="self-does-not-count"),
        pytest.param(burst_of(CALL_MANY, 1, 2), [(1, 0xFC, 1, 2)], id="two-are-a-mask"),
        pytest.param(SELF_AND_OTHERS, [(1, 0xFC, 1, 2)], id="mask-without-self"),
        pytest.param(burst_of(CALL_MANY, 1, 2, 3), [(3, 0xFC)], id="all-others-broadcast"),
        pytest.param(burst_of(CALL_MANY, 0, 1, 2, 3), [(3, 0xFC)], id="everybody-broadcast"),
        pytest.param(burst_of(CALL_MANY), [], id="no-target"),
        pytest.param(burst_of(CALL_MANY, 0), [], id="only-self-is-a-plain-call"),
        pytest.param(burst_of(CALL_SINGLE, 0), [], id="single-self-is-a-plain-call"),
        pytest.param(
            burst_of(CALL_MANY, 2, vector=0x40), [(0, 0x40, 2)], id="other-vector-stays"
        ),
        pytest.param(burst_of("send_IPI", 2), [(0, 0xFD, 2)], id="send_IPI"),
        pytest.param(burst_of("send_IPI", 0), [(0, 0xFD, 0)], id="send_IPI-to-self"),
        pytest.param(burst_of("send_IPI_mask", 2), [(1, 0xFC, 2)], id="mask-of-one"),
        pytest.param(burst_of("send_IPI_mask", 0, 1), [(1, 0xFC, 0, 1)], id="mask-with-self"),
        pytest.param(burst_of("send_IPI_mask"), [], id="empty-mask"),
        pytest.param(
            burst_of("send_IPI_mask_allbutself", 0, 1), [(2, 0xFC, 0, 1)], id="mask-allbutself"
        ),
        pytest.param(burst_of("send_IPI_mask_allbutself", 0), [], id="mask-allbutself-of-self"),
        pytest.param(burst_of("send_IPI_allbutself"), [(3, 0xFC)], id="allbutself"),
        pytest.param(burst_of("send_IPI_all"), [(4, 0xFC)], id="all"),
        pytest.param(burst_of("send_IPI_self", vector=0xF6), [(5, 0xF6)], id="self"),
    ],
)
def test_linux_s_dispatch_depends_on_the_number_of_targets(
    burst: Burst, expected: list[tuple[int, ...]]
) -> None:
    """kernel/smp.c sends no IPI, a unicast, a broadcast to all others, or a mask."""
    stack = Stack(stack_of("x2apic-physical").driver, Recorder())

    sending = program(stack, burst, guest_of(FOUR), linux=CURRENT)

    assert expected == [(op.nr, *op.args) for op in only(Hypercall, sending.program)]


@pytest.mark.parametrize(
    ("burst", "expected"),
    [
        pytest.param(burst_of(CALL_MANY, 0, 1, 2), (1, 2), id="call-skips-self"),
        pytest.param(burst_of(CALL_SINGLE, 0), (), id="call-to-self"),
        pytest.param(burst_of("send_IPI", 0), (0,), id="send_IPI-to-self"),
        pytest.param(burst_of("send_IPI_mask", 0, 3), (0, 3), id="mask-keeps-self"),
        pytest.param(burst_of("send_IPI_mask_allbutself", 0, 3), (3,), id="mask-allbutself"),
        pytest.param(burst_of("send_IPI_allbutself"), (1, 2, 3), id="allbutself"),
        pytest.param(burst_of("send_IPI_all"), (0, 1, 2, 3), id="all"),
        pytest.param(burst_of("send_IPI_self", source=2), (2,), id="self"),
        pytest.param(burst_of("send_IPI_all", 1), (0, 1, 2, 3), id="all-ignores-targets"),
    ],
)
def test_reached_cpus_follow_from_the_operation(
    burst: Burst, expected: tuple[int, ...]
) -> None:
    """These CPUs must run the handler because of an interrupt."""
    assert expected == reached(burst, guest_of(FOUR))


@pytest.mark.parametrize(
    "operation", ["send_IPI_allbutself", CALL_MANY], ids=["bare", "function-call"]
)
def test_a_broadcast_in_a_guest_of_one_cpu_sends_no_ipi(operation: str) -> None:
    """num_online_cpus() is 1 there."""
    assert sent("x2apic-physical", burst_of(operation), [0], linux=CURRENT).program == ()


def test_a_function_call_in_a_2_cpu_guest_is_never_a_mask() -> None:
    """A call to the only other CPU is a unicast, so PV IPIs cannot be measured there."""
    sending = sent("kvm-pv/x2apic-physical", burst_of(CALL_MANY, 0, 1), [0, 1])

    assert ([0x1_0000_00FB], frozenset()) == (
        [op.value for op in only(WrMsr, sending.program)],
        sending.overlaid,
    )


@pytest.mark.parametrize(
    ("linux", "calls", "writes", "overlaid"),
    [
        pytest.param(FIRST_PV, 1, [], {"send_IPI_mask_allbutself"}, id="4.19-calls-the-mask"),
        pytest.param(MASKS, 1, [], {"send_IPI_mask_allbutself"}, id="no_ipi_broadcast-too"),
        pytest.param(CURRENT, 0, [0xC_00FC], set(), id="on-bypasses-the-overlay"),
    ],
)
def test_a_full_broadcast_uses_pv_ipis_only_without_shorthands(
    linux: LinuxEra, calls: int, writes: list[int], overlaid: set[str]
) -> None:
    """Linux 5.4 and later broadcast natively, without PV callbacks."""
    burst = burst_of(CALL_MANY, 1, 2, 3)
    sending = sent("kvm-pv/x2apic-physical", burst, FOUR, linux=linux)

    values = [op.value for op in only(WrMsr, sending.program)]

    assert (calls, writes) == (len(call_args(sending.program)), values)
    assert overlaid == sending.overlaid


def test_an_xapic_broadcast_by_shorthand_is_one_write() -> None:
    """xAPIC and x2APIC both have shorthands."""
    sending = sent("xapic-physical", burst_of(CALL_MANY, 1, 2, 3), FOUR, linux=CURRENT)

    assert only(MmioWrite, sending.program) == [MmioWrite(0xFEE0_0300, 0xC_00FC)]


def test_a_call_to_all_other_online_cpus_is_a_full_broadcast() -> None:
    """Linux compares the mask with the CPUs that are online."""
    stack = stack_of("x2apic-physical")
    guest = stack.guest(guest_of(range(4), offline=(2,)))
    to_all, to_one = burst_of(CALL_MANY, 1, 3), burst_of(CALL_MANY, 1)
    writes = [
        [op.value for op in only(WrMsr, program(stack, b, guest, linux=CURRENT).program)]
        for b in (to_all, to_one)
    ]

    assert writes == [[0xC_00FC], [0x1_0000_00FB]]


@pytest.mark.parametrize(
    ("version", "operation"),
    [
        pytest.param("5.12", "send_IPI_mask", id="a-mask"),
        pytest.param("5.13", CALL_MANY, id="a-unicast"),
    ],
)
def test_the_last_cpu_of_a_mask_is_sent_as_a_mask_before_5_13(
    version: str, operation: str
) -> None:
    """Under PV IPIs it took a hypercall until then."""
    burst, linux = burst_of(CALL_MANY, 1, 2, 3), LinuxEra(version=version)

    assert rest_of(burst, (2,), linux) == burst_of(operation, 2)
    assert rest_of(burst, (1, 2), linux) == burst_of(CALL_MANY, 1, 2)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("5.7", {1, 2}, id="interrupted"),
        pytest.param("5.8", set(), id="spared"),
    ],
)
def test_a_polling_cpu_is_interrupted_as_an_only_target_before_5_8(
    version: str, expected: set[int]
) -> None:
    """Later kernels set a flag that its idle loop polls."""
    polling = uninterrupted(frozenset({1, 2}), LinuxEra(version=version))
    calls = [burst_of(CALL_SINGLE, 1), burst_of(CALL_MANY, 2)]

    targets = [reached(burst, guest_of(FOUR), polling) for burst in calls]

    assert expected == {cpu for cpus in targets for cpu in cpus}
