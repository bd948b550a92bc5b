"""The lines of ipi_bench of kvm-utils."""

from __future__ import annotations

import pytest

from pvbench_benchmark_kvm_utils import lines, read

TAIL = "forked [10], start [11], finish [21], elapsed [10]"
PREPARE = "ipi_bench: prepare single IPI from CPU[  0] to CPU[  1]\n"
THROUGHPUT = "ipi_bench: throughput 1234567 ipi/s\n"


def single(source: int, target: int, call: int, ipi: int = 500, wait: int = 1) -> str:
    """A line of single-ipi, self-ipi or mesh-ipi."""
    return (
        f"ipi_bench: CPU [{source:3d}] [NODE0] -> CPU [{target:3d}] [NODE1], wait [{wait}], "
        f"loops [1000000] {TAIL}, ipitime [9], run delay [0] in ms, AVG call [{call}], "
        f"ipi [{ipi}] in ns\n"
    )


def broadcast(source: int, call: int, wait: int = 1) -> str:
    """A line of all-ipi."""
    return (
        f"ipi_bench: CPU [{source:3d}] [NODE0] -> all CPUs, wait [{wait}], loops [1000000] "
        f"{TAIL}, run delay [0] in ms AVG call [{call}] in ns\n"
    )


def times_of(text: str) -> dict[tuple[str, str], tuple[float, ...]]:
    """All values of each workload and series, in ns."""
    return {
        (time.workload, time.series): tuple(round(value * 1e9) for value in time.values)
        for time in read(text).times
    }


@pytest.mark.parametrize(
    ("text", "times"),
    [
        pytest.param(
            single(3, 8, 2150, 1630),
            {("normal-ipi", "wall"): (2150,), ("normal-ipi", "deliver"): (1630,)},
            id="single",
        ),
        pytest.param(
            single(3, 3, 90, 40),
            {("self-ipi", "wall"): (90,), ("self-ipi", "deliver"): (40,)},
            id="self",
        ),
        pytest.param(
            single(3, 8, 700, 0, wait=0),
            {("normal-ipi-nowait", "wall"): (700,)},
            id="without-waiting",
        ),
        pytest.param(
            broadcast(2, 9000) + THROUGHPUT,
            {("broadcast-lock", "wall"): (9000,)},
            id="broadcast",
        ),
        pytest.param(
            broadcast(2, 9000, wait=0),
            {("broadcast-lock-nowait", "wall"): (9000,)},
            id="broadcast-without-waiting",
        ),
        pytest.param(
            broadcast(2, 9000) + broadcast(3, 9200) + THROUGHPUT,
            {("broadcast-lock-of-2", "wall"): (9100,)},
            id="two-broadcasts-at-once",
        ),
        pytest.param(
            THROUGHPUT + single(3, 3, 90, 0),
            {("self-ipi", "wall"): (90,)},
            id="throughput-of-lines-that-were-cut-off",
        ),
        pytest.param(
            PREPARE + PREPARE + single(0, 1, 2000) + single(2, 3, 3000) + THROUGHPUT,
            {("normal-ipi-of-2", "wall"): (2500,), ("normal-ipi-of-2", "deliver"): (500,)},
            id="mesh",
        ),
        pytest.param(
            PREPARE + single(0, 1, 2000) + PREPARE + single(2, 3, 3000),
            {("normal-ipi", "wall"): (2000, 3000), ("normal-ipi", "deliver"): (500, 500)},
            id="two-runs",
        ),
        pytest.param(
            PREPARE + single(0, 1, 2000) + PREPARE + single(2, 3, 3000) + THROUGHPUT,
            {("normal-ipi", "wall"): (2000, 3000), ("normal-ipi", "deliver"): (500, 500)},
            id="a-run-before-a-mesh-of-one-pair",
        ),
    ],
)
def test_each_test_of_the_module_is_read(
    text: str, times: dict[tuple[str, str], tuple[float, ...]]
) -> None:
    """CPUs that send at the same time are one test, of which the median counts."""
    assert times_of(text) == times


def test_a_broadcast_says_that_its_lock_is_assumed() -> None:
    """The module takes one by default, and the text does not tell."""
    assert any("lock=0" in caveat for caveat in read(broadcast(2, 9000)).caveats)
    assert not any("lock=0" in caveat for caveat in read(single(3, 8, 2150)).caveats)


def test_the_cpus_and_their_nodes_are_told() -> None:
    """Their distance matters."""
    assert read(single(3, 8, 2150)).caveats == ("normal-ipi: CPU 3 (node 0) to CPU 8 (node 1)",)


def test_only_lines_with_times_count() -> None:
    """Others only say what goes on."""
    assert lines(PREPARE + THROUGHPUT) == 0
    assert lines(single(3, 8, 2150) + broadcast(2, 9000)) == 2
