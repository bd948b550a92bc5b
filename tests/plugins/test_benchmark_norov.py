"""The lines of Norov's ipi_benchmark, as people paste them."""

from __future__ import annotations

import pytest

from pvbench.errors import UsageError
from pvbench_benchmark_norov import lines, read
from support.benchmark_texts import text_of

NORMAL = "Normal IPI:              124000000,          179000000 ns\n"


def times_of(text: str) -> dict[tuple[str, str], tuple[float, ...]]:
    """All values of each workload and series."""
    return {(time.workload, time.series): time.values for time in read(text).times}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(NORMAL, id="bare"),
        pytest.param(f"[   61.592088] {NORMAL}", id="dmesg"),
        pytest.param(f"<3>[   61.592088] {NORMAL}", id="dmesg-raw"),
        pytest.param(f"Nov 27 09:00:00 host kernel: [   61.592088] {NORMAL}", id="syslog"),
        pytest.param(f"> > {NORMAL}", id="quoted-twice"),
        pytest.param("Normal IPI: 124000000,\n179000000 ns\n", id="broken-line"),
        pytest.param("> Normal IPI: 124000000,\n> 179000000 ns\n", id="broken-and-quoted"),
        pytest.param("Normal IPI:\t124000000,\t179000000 ns\r\n", id="tabs-and-crlf"),
    ],
)
def test_a_line_is_read_wherever_it_was_pasted(text: str) -> None:
    """124 ms and 179 ms for 100000 iterations."""
    assert lines(text) == 1
    assert times_of(text) == {
        ("normal-ipi", "wall"): pytest.approx((1.79e-6,)),
        ("normal-ipi", "deliver"): pytest.approx((1.24e-6,)),
    }


def test_a_first_number_of_zero_is_unknown() -> None:
    """Norov's module measures no time to the handler of a broadcast."""
    assert times_of("Broadcast IPI: 0, 2569000000 ns\n") == {
        ("broadcast", "wall"): pytest.approx((25.69e-6,))
    }


def test_a_total_of_zero_is_unknown() -> None:
    """A clock that is too coarse says nothing."""
    assert times_of("Dry-run: 0, 0 ns\n") == {}


def test_the_totals_of_a_variant_are_runs_of_the_test() -> None:
    """It prints them in one line, and a summary that pvbench leaves out."""
    text = (
        "Type: Dry run, result: 300000+400000\nmax: 400000, min: 300000\n"
        "Type: Dry run, times: 2, total: 400000, sum: 700000, avg: 350000\n"
    )

    assert times_of(text) == {("dry-run", "wall"): pytest.approx((3e-9, 4e-9))}


def test_results_that_follow_each_other_are_runs_of_the_tests() -> None:
    """The module was loaded twice; other lines of the kernel log may stand between."""
    log = (
        f"[1.0] {NORMAL}insmod: ERROR: could not insert module\n[2.0] eth0: up\n[3.0] {NORMAL}"
    )

    assert times_of(log)["normal-ipi", "wall"] == pytest.approx((1.79e-6, 1.79e-6))


def test_prose_between_results_is_refused() -> None:
    """It names conditions, and both results would become one."""
    text = f"x2apic, vanilla\n{NORMAL}\nx2apic, pv-ipi\n{NORMAL}"

    with pytest.raises(UsageError, match=r"several results.*'x2apic, pv-ipi'.*one file for"):
        read(text)


def test_prose_around_a_single_result_is_no_obstacle() -> None:
    """A mail has much of it, also between the lines."""
    text = f"Hi,\nDry-run: 0, 360000 ns\nand then\n{NORMAL}Cheers\n"

    assert set(times_of(text)) == {
        ("dry-run", "wall"),
        ("normal-ipi", "wall"),
        ("normal-ipi", "deliver"),
    }


def test_the_variant_that_does_not_wait_has_tests_of_its_own() -> None:
    """Its self IPI and broadcast are not those of pvbench's workloads."""
    measured = read(text_of("norov-local-remote.dmesg"))

    assert any("does not wait" in caveat for caveat in measured.caveats)
    assert not any("does not wait" in one for one in read(text_of("norov.dmesg")).caveats)


def test_a_test_that_failed_is_mentioned() -> None:
    """The module prints the error in place of its times."""
    assert "the test Normal IPI failed with error -2" in read("Normal IPI FAILED: -2\n").caveats


@pytest.mark.parametrize(
    "text", ["", "Remote IPI:  ok  |\n", "Abnormal IPI: 1, 2 ns\n", "Type: Other, result: 1\n"]
)
def test_other_lines_have_no_times(text: str) -> None:
    """The NMI selftest of Linux prints similar names."""
    assert read(text).times == ()
