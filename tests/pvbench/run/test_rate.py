"""The rate of several sources: IPIs in the time of the whole slice."""

from __future__ import annotations

import attrs
import pytest

from pvbench.ops import Burst
from pvbench.run.prepared import prepare
from pvbench.run.rate import with_rate
from pvbench.slice_result import Distribution, SliceResult
from support.helpers import burst_of, guest_of
from support.model import case_of, run_case

FIRST = burst_of("smp_call_function_single", 2)
TWO = (FIRST, burst_of("smp_call_function_single", 3, source=1))
SAME = (FIRST, attrs.evolve(FIRST, source=1))


def rated(
    *bursts: Burst, stack: str = "x2apic-physical", ids: tuple[int, ...] = (0, 1, 2, 3)
) -> tuple[SliceResult, SliceResult]:
    """A slice of the model, without its rate and with it."""
    case = case_of(stack, guest_of(ids), *bursts)
    result = run_case(case)[1]
    return result, with_rate(prepare(case), result)


def test_a_rate_is_the_time_of_the_slice_for_each_ipi() -> None:
    """Two sources interrupt one CPU each at the same time."""
    result, with_it = rated(*TWO)
    times = result.distributions
    of_rate = Distribution.of_span(times["makespan"].total, 2)

    assert with_it.distributions == times | {"rate": of_rate}


def test_a_call_that_sends_no_ipi_does_not_count() -> None:
    """The second source finds a call queue in use, so that one IPI serves both calls."""
    result, with_it = rated(*SAME)

    assert result.counts.handlers == (0, 0, 1, 0)
    assert with_it.distributions["rate"].samples == 1


@pytest.mark.parametrize(
    ("stack", "ids", "bursts"),
    [
        pytest.param("x2apic-physical", (0, 1, 2, 3), TWO[:1], id="one-source"),
        pytest.param(
            "kvm-pv128-v3/x2apic-physical",
            (0, 1, 2, 300),
            (burst_of("send_IPI_mask", 3), burst_of("send_IPI_mask", 2, source=1)),
            id="lost",
        ),
        pytest.param(
            "x2apic-physical",
            (0, 1, 2, 3),
            (burst_of("send_IPI_mask"), burst_of("send_IPI_mask", source=1)),
            id="no-ipis",
        ),
    ],
)
def test_other_cases_have_no_rate(
    stack: str, ids: tuple[int, ...], bursts: tuple[Burst, ...]
) -> None:
    """The wall time of one source says the same; a sender that loses IPIs has no time."""
    result, with_it = rated(*bursts, stack=stack, ids=ids)

    assert with_it == result


def test_the_assumed_part_is_that_of_the_makespan() -> None:
    """The number of IPIs rests on no cost; measured times have no such part."""
    result, _ = rated(*TWO)
    case = prepare(case_of("x2apic-physical", guest_of(range(4)), *TWO))
    assumed = attrs.evolve(result, assumed={"makespan": 0.25, "wall": 0.5})

    assert with_rate(case, assumed).assumed == {"makespan": 0.25, "wall": 0.5, "rate": 0.25}
    assert with_rate(case, attrs.evolve(result, assumed={})).assumed == {}
