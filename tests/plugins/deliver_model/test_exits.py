"""
Which ops exit, which ones use the fast path, and what hypercalls return.

Costs are those of `support.model.ROUND`: ICR write 2000 (fast path 1500), xAPIC
400 more, hypercall 1000, target 100, logical 25 more, vCPU asked 9; half an exit
is over when its first target is served.  An access that does not exit: 8.  All begin at 1000.
"""

from __future__ import annotations

import pytest

from pvbench.ops import Hypercall, Op, WrMsr
from support.model import (
    ALL_BUT_SELF,
    ICR,
    ICR2,
    NMI_TO_CPU_2,
    NMI_TO_SELF,
    PV_CALL,
    SELF_REGISTER,
    SELF_SHORTHAND,
    TO_CLUSTER,
    TO_CPU_2,
    TO_EVERYBODY,
    XAPIC_NMI_TO_SELF,
    line_of,
)


@pytest.mark.parametrize(
    ("op", "apicv", "expected"),
    [
        pytest.param(SELF_REGISTER, True, (1_008, 0), id="register-apicv"),
        pytest.param(SELF_REGISTER, False, (3_100, 1), id="register-no-apicv"),
        pytest.param(SELF_SHORTHAND, True, (3_100, 1), id="x2apic-icr-exits-even-with-apicv"),
        pytest.param(NMI_TO_SELF, True, (3_100, 1), id="nmi-exits-even-with-apicv"),
        pytest.param(NMI_TO_SELF, False, (3_100, 1), id="nmi-no-apicv"),
    ],
)
def test_a_self_ipi_avoids_the_exit_only_with_apicv(
    op: Op, apicv: bool, expected: tuple[int, int]
) -> None:
    """SDM, "Self-IPI Virtualization", needs fixed delivery; an NMI takes the ICR."""
    line = line_of(op, apicv=apicv)

    assert expected == (line.end, line.exits)


def test_an_xapic_nmi_to_itself_exits_even_with_apicv() -> None:
    """By SDM, "Self-IPI Virtualization", bits 11:8 of the ICR must be 0, fixed."""
    line = line_of(XAPIC_NMI_TO_SELF, apic_mode="xapic")

    assert (line.end, line.exits) == (3_500, 1)


@pytest.mark.parametrize(
    ("host_linux", "op", "expected"),
    [
        pytest.param("5.5", TO_CPU_2, 3_100, id="none-physical"),
        pytest.param("5.6", TO_CPU_2, 2_600, id="physical-physical"),
        pytest.param("5.6", NMI_TO_CPU_2, 3_100, id="physical-nmi"),
        pytest.param("5.6", TO_CLUSTER, 3_375, id="physical-logical"),
        pytest.param("5.6", ALL_BUT_SELF, 3_336, id="physical-all-but-self"),
        pytest.param("5.6", TO_EVERYBODY, 3_436, id="physical-broadcast-id"),
        pytest.param("5.6", SELF_SHORTHAND, 3_100, id="physical-self"),
        pytest.param("6.18", TO_CPU_2, 2_600, id="any-physical"),
        pytest.param("6.18", NMI_TO_CPU_2, 2_600, id="any-nmi"),
        pytest.param("6.18", TO_CLUSTER, 2_875, id="any-logical"),
        pytest.param("6.18", SELF_SHORTHAND, 2_600, id="any-self"),
        pytest.param("6.18", SELF_REGISTER, 3_100, id="any-self-register-is-no-icr"),
        pytest.param("6.18", ALL_BUT_SELF, 3_336, id="any-all-but-self-is-slow"),
        pytest.param("6.18", TO_EVERYBODY, 3_436, id="any-broadcast-id-is-slow"),
        pytest.param("6.18", PV_CALL, 2_300, id="any-hypercall"),
    ],
)
def test_the_exit_fast_path_depends_on_the_kernel(
    host_linux: str, op: Op, expected: int
) -> None:
    """
    5.6: fixed, physical, no shorthand, no broadcast; 2025: all the map delivers.

    Broadcasts are never fast: every vCPU is asked.
    """
    assert expected == line_of(op, host_linux=host_linux, apicv=False).end


def test_an_xapic_write_has_no_fast_path() -> None:
    """Its exit is not a WRMSR exit: 8 + 2400 + 100."""
    line = line_of(ICR2, ICR, apic_mode="xapic", host_linux="6.18")

    assert line.end == 3_508


@pytest.mark.parametrize(
    ("op", "end", "returned"),
    [
        pytest.param(PV_CALL, 2_300, 3, id="number-of-vcpus"),
        pytest.param(Hypercall(10, (0b10_0110, 0, 0, 0xFC)), 2_200, 2, id="of-those-there-are"),
        pytest.param(Hypercall(10, (0b1110, 0, 0, 0x8FC)), 2_000, -22, id="logical-is-invalid"),
        pytest.param(Hypercall(77, (0, 0, 0, 0)), 2_000, -1_000, id="unknown-number"),
    ],
)
def test_a_hypercall_has_the_return_value_of_kvm(op: Op, end: int, returned: int) -> None:
    """An error costs an empty hypercall and reaches no CPU."""
    line = line_of(op)

    assert (end, returned, 1, 0) == (
        line.end,
        line.returned,
        line.hypercalls,
        line.icr_writes,
    )


def test_a_write_that_faults_reaches_no_cpu() -> None:
    """#GP is injected instead."""
    line = line_of(WrMsr(0x830, 0x2000))

    assert (line.end, line.arrivals, line.exits) == (1_600, [], 1)


def test_writes_and_calls_are_counted() -> None:
    """Two ICR writes, two hypercalls of three targets each."""
    line = line_of(TO_CPU_2, PV_CALL, TO_CLUSTER, PV_CALL)

    assert (line.icr_writes, line.hypercalls, line.returned, line.exits) == (2, 2, 6, 4)
