"""xen-evtchn: one event-channel hypercall per target."""

from __future__ import annotations

import pytest

from pvbench.ops import Hypercall, Scan, WriteMem
from support.helpers import (
    CURRENT,
    INPUT_PAGE,
    NMI,
    burst_of,
    guest_of,
    masked,
    only,
    sent,
    stack_of,
)

OVER = "xen-evtchn/x2apic-physical"


def send(source: int) -> Hypercall:
    """EVTCHNOP_send with the port in the sender's own page."""
    return Hypercall(32, (4, INPUT_PAGE + source * 4096))


def test_each_target_is_one_evtchnop_send() -> None:
    """__xen_send_IPI_mask() loops over the mask and does not disable interrupts."""
    assert masked(OVER, [900, 17]) == (
        Scan(2),
        WriteMem(0x800_2000, (2,)),
        Hypercall(32, (4, 0x800_2000)),
        WriteMem(0x800_2000, (8,)),
        Hypercall(32, (4, 0x800_2000)),
    )


@pytest.mark.parametrize(
    ("vector", "port"),
    [
        pytest.param(0xFD, 7, id="reschedule"),
        pytest.param(0xFC, 8, id="call-function"),
        pytest.param(0xFB, 9, id="call-function-single"),
        pytest.param(0xF6, 11, id="irq-work"),
    ],
)
def test_each_vector_has_a_port_of_the_target(vector: int, port: int) -> None:
    """Ports follow xen_map_vector() and the order of enum ipi_vector; CPU 1 is the target."""
    sending = sent(OVER, burst_of("send_IPI", 1, vector=vector), range(3))

    assert only(WriteMem, sending.program) == [WriteMem(INPUT_PAGE, (port,))]


@pytest.mark.parametrize(
    ("operation", "cpus"),
    [
        pytest.param("send_IPI_mask", [0, 1], id="mask"),
        pytest.param("send_IPI_mask_allbutself", [0], id="mask-allbutself"),
        pytest.param("send_IPI_allbutself", [0, 2], id="allbutself"),
        pytest.param("send_IPI_all", [0, 1, 2], id="all"),
        pytest.param("send_IPI_self", [1], id="self"),
    ],
)
def test_it_replaces_every_callback(operation: str, cpus: list[int]) -> None:
    """CPU 1 sends, masks name CPUs 0 and 1; Xen has no broadcast."""
    burst = burst_of(operation, 0, 1, source=1, vector=0xFD)
    sending = sent(OVER, burst, range(3), linux=CURRENT)

    ports = [op.words[0] for op in only(WriteMem, sending.program)]

    assert ([1 + 6 * cpu for cpu in cpus], [send(1)] * len(cpus)) == (
        ports,
        only(Hypercall, sending.program),
    )


def test_other_vectors_have_no_event_channel() -> None:
    """Linux binds event channels only for its own IPIs."""
    sender, guest = stack_of(OVER).sender, guest_of(range(4))

    refused = sender.why_refused(burst_of("send_IPI", 1, vector=0x40), guest)

    assert refused == "Linux binds no event channel to vector 0x40"


def test_an_nmi_is_refused() -> None:
    """xen_send_IPI_one() sends it by VCPUOP_send_nmi, to which no event channel is bound."""
    burst = burst_of("send_IPI", 1, vector=NMI)
    refused = stack_of(OVER).sender.why_refused(burst, guest_of(range(4)))

    assert refused == "Linux binds no event channel to vector 0x2"


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        pytest.param(21845, None, id="131071-ports"),
        pytest.param(
            21846, "6 event channels per CPU exceed Xen's limit of 131072", id="131077-ports"
        ),
    ],
)
def test_a_guest_with_more_than_two_to_the_17_ports_is_refused(
    cpus: int, expected: str | None
) -> None:
    """FIFO event channels have ports 1..131071, and each CPU needs six."""
    stack = stack_of(OVER)

    assert expected == stack.why_unsupported(stack.guest(guest_of(range(cpus))), CURRENT)
