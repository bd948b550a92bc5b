"""
The peer of `pvbench run norov`: two trivial virtual-time series under pyperf.Runner.

    python benchmarks/two_series.py -o FILE
"""

from __future__ import annotations

import pyperf


def virtual(loops: int) -> float:
    """Pretend that a microsecond has passed."""
    return loops * 1e-6


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.bench_time_func("first", virtual)
    runner.bench_time_func("second", virtual)
