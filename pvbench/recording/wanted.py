"""
Wanted bursts: the calls that the kernel was asked for, from csd_queue_cpu events.

The kernel reports each CPU of a call in ascending order, and then sends to those whose
list was empty.  So a burst is a run of events of one source, callsite and function with
ascending CPUs, and it ends with the source's next send from the same callsite, or where
the next call begins.

Source: Linux, kernel/smp.c, smp_call_function_many_cond().
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pvbench.masks import WORD
from pvbench.recording.sets import CpuSets

Integers = npt.NDArray[np.int64]


def runs(
    *,
    source: Integers,
    cpu: Integers,
    site: Integers,
    call: Integers,
    one_target: npt.NDArray[np.bool_],
) -> tuple[Integers, Integers]:
    """
    The runs among events that are in the order of the trace.

    Args:
        source: the CPU of each event.
        cpu: the wanted CPU of each csd_queue_cpu event; -1 for a send.
        site: a number of the callsite of each event.
        call: a number of callsite and function of each event.
        one_target: whether each event is a call for one CPU only.

    Returns:
        The places of the csd_queue_cpu events, those of one run together, and the places
        in this list at which a run begins.
    """
    order = np.lexsort((np.arange(len(source)), site, source))
    before = np.roll(order, 1)
    is_same = (source[order] == source[before]) & (call[order] == call[before])
    goes_on = is_same & (cpu[before] >= 0) & (cpu[order] > cpu[before]) & ~one_target[order]
    goes_on[:1] = False
    is_wanted = cpu[order] >= 0
    return order[is_wanted], np.flatnonzero(~goes_on[is_wanted])


def sets_of(cpu: Integers, starts: Integers) -> CpuSets:
    """The sets of CPUs of the runs that begin at *starts*."""
    width = int(cpu.max(initial=0)) // WORD + 1
    words = np.zeros((len(starts), width), np.uint64)
    bits = np.left_shift(np.uint64(1), (cpu % WORD).astype(np.uint64))
    for word in range(width):
        in_word = np.where(cpu // WORD == word, bits, np.uint64(0))
        if len(starts):
            words[:, word] = np.bitwise_or.reduceat(in_word, starts)
    return CpuSets(words)
