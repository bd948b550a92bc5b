"""The output of vmexit of kvm-unit-tests."""

from __future__ import annotations

import pytest

from pvbench.benchmark_text import CYCLES, SECONDS
from pvbench_benchmark_vmexit import lines, read

DETECTED = "[    0.000000] tsc: Detected 2000.000 MHz processor\n"
REFINED = "[    1.500000] tsc: Refined TSC clocksource calibration: 2500.000 MHz\n"


def times_of(text: str) -> dict[tuple[str, str], tuple[float, ...]]:
    """All values of each workload and series."""
    return {(time.workload, time.series): time.values for time in read(text).times}


@pytest.mark.parametrize(
    ("log", "unit", "value"),
    [
        pytest.param("", CYCLES, 1000, id="no-rate"),
        pytest.param(DETECTED, SECONDS, 500e-9, id="detected"),
        pytest.param(DETECTED + REFINED, SECONDS, 400e-9, id="refined"),
        pytest.param("tsc: Detected 0.000 MHz TSC\n", CYCLES, 1000, id="no-rate-at-all"),
    ],
)
def test_cycles_become_seconds_if_the_text_tells_their_rate(
    log: str, unit: str, value: float
) -> None:
    """A line of the kernel log does; the refined rate is the better one."""
    text = f"{log}vmcall 1000\n"

    assert read(text).unit == unit
    assert times_of(text) == {("vmcall", "wall"): pytest.approx((value,))}


def test_parts_of_a_test_have_series_or_names_of_their_own() -> None:
    """The write to the ICR is what pvbench calls sending."""
    text = "self_ipi_tpr 900\n  ipi self_ipi_tpr 400\n  eoi self_ipi_tpr 20\n"

    assert times_of(text) == {
        ("self_ipi_tpr", "wall"): (900,),
        ("self_ipi_tpr", "send"): (400,),
        ("self_ipi_tpr.eoi", "wall"): (20,),
    }


def test_the_test_ipi_stands_for_a_unicast() -> None:
    """It waits for the handler on a halted CPU."""
    assert times_of("> ipi 3411\r\n") == {("normal-ipi", "wall"): (3411,)}


@pytest.mark.parametrize(
    "text",
    [
        "cpuid 14886 13142\n",
        "cpuid (skipped)\n",
        "cpuid -5\n",
        "a cpuid 5\n",
        "cpuids 5\n",
        "ipi ipis 5\n",
    ],
)
def test_other_lines_are_not_read(text: str) -> None:
    """A table with two columns has two results."""
    assert lines(text) == 0


def test_a_test_without_cycles_has_no_time() -> None:
    """0 is unknown."""
    assert times_of("vmcall 0\n") == {}
