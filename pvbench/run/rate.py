"""
The series `rate`: how many IPIs per second all sources of a case send together.

It is stored as the time for each IPI, as all series are times, and reports show its inverse.
"""

from __future__ import annotations

import attrs

from pvbench.run.prepared import Prepared
from pvbench.slice_result import RATE, Distribution, SliceResult

_SPAN = "makespan"  # which only several sources have


def with_rate(prepared: Prepared, result: SliceResult) -> SliceResult:
    """
    *result* with its rate: the handler runs of all CPUs in the time of the whole slice.

    A call that finds a call queue in use causes no IPI and does not count.  One source has
    no rate, because its wall time says the same; nor has a sender that loses IPIs.
    """
    times, ipis = result.distributions, sum(result.counts.handlers)
    if _SPAN not in times or not ipis or prepared.lossy:
        return result
    of_rate = Distribution.of_span(times[_SPAN].total, ipis)
    parts = result.assumed
    assumed = {RATE: parts[_SPAN]} if _SPAN in parts else {}
    return attrs.evolve(result, distributions=times | {RATE: of_rate}, assumed=parts | assumed)
