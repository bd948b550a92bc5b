"""Columns of bursts: one row for each, in the order of the trace."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.x86.apic import (
    CALL_FUNCTION_SINGLE_VECTOR,
    CALL_FUNCTION_VECTOR,
    IRQ_WORK_VECTOR,
    RESCHEDULE_VECTOR,
)

# What a row can be: a reschedule IPI, a CPU's IPI to itself, a call for one CPU or several
# CPUs, or a queued call that Linux 6.4 reports although it sends no IPI.
KINDS: Final = ("reschedule", "irq work", "single", "many", "queued")
VECTORS: Final = {
    "reschedule": RESCHEDULE_VECTOR,
    "irq work": IRQ_WORK_VECTOR,
    "single": CALL_FUNCTION_SINGLE_VECTOR,
    "many": CALL_FUNCTION_VECTOR,
}
_OPERATIONS: Final = {
    "reschedule": "send_IPI",
    "irq work": "send_IPI_self",
    "single": "smp_call_function_single",
    "many": "smp_call_function_many",
}
# Functions of Linux that call generic_exec_single() or queue one call themselves.
ONE_TARGET_SITES: Final = ("generic_exec_single", "ttwu_queue_wakelist")
# Calls that these sites make are waited for, or not (kernel/smp.c, kernel/sched/).
_WAITS: Final = {
    "on_each_cpu_cond_mask": True,
    "membarrier_private_expedited": True,
    "membarrier_global_expedited": True,
    "smp_call_function": True,
    "ttwu_queue_wakelist": False,
}
_NOT_WAITED: Final = ("nohz_csd_func", "nohz_full_kick_func", "sched_ttwu_pending")


@attrs.frozen(kw_only=True)
class Call:
    """
    What rows have in common.

    Args:
        kind: from KINDS.
        callsite: the function that sends, with an offset; or its address.
        function: the function that the targets call, or the callback of the send.
        one_target: whether the event names one CPU and no mask.
    """

    kind: str
    callsite: str
    function: str
    one_target: bool = True

    @property
    def site(self) -> str:
        """The name of the function that sends, without an offset."""
        return self.callsite.partition("+")[0]

    @property
    def vector(self) -> int:
        """The vector that x86 Linux sends; that of a wanted call depends on its targets."""
        if self.kind == "many" and self.one_target:
            return CALL_FUNCTION_SINGLE_VECTOR
        return VECTORS.get(self.kind, CALL_FUNCTION_SINGLE_VECTOR)

    @property
    def operation(self) -> str:
        """The kernel's entry point, as in `pvbench.ops.Burst`."""
        return _OPERATIONS.get(self.kind, "smp_call_function_single")

    @property
    def wait(self) -> bool | None:
        """Whether the sender waits for its targets; None if the trace does not show it."""
        if self.kind in ("reschedule", "irq work") or self.function in _NOT_WAITED:
            return False
        return _WAITS.get(self.site)


def no_times() -> npt.NDArray[np.int64]:
    """The column of a trace that does not have it."""
    return np.zeros(0, np.int64)


@attrs.frozen(kw_only=True, eq=False)
class Bursts:
    """
    Bursts in the order of the trace.

    Args:
        time: in the unit of the recording's clock; empty if there is none.
        source: the CPU that sends.
        targets: index into the recording's sets.
        call: index into the recording's calls.
        count: how often the burst occurred; empty if each row stands for one.
    """

    time: npt.NDArray[np.int64] = attrs.field(factory=no_times)
    source: npt.NDArray[np.uint16]
    targets: npt.NDArray[np.uint32]
    call: npt.NDArray[np.uint16]
    count: npt.NDArray[np.int64] = attrs.field(factory=no_times)

    def __len__(self) -> int:
        return len(self.source)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each burst occurred."""
        return self.count if len(self.count) else np.ones(len(self), np.int64)

    @property
    def total(self) -> int:
        """The number of bursts."""
        return int(self.count.sum()) if len(self.count) else len(self)

    @property
    def nbytes(self) -> int:
        """The memory of the columns."""
        columns = (self.time, self.source, self.targets, self.call, self.count)
        return sum(column.nbytes for column in columns)


def no_bursts() -> Bursts:
    """Columns without rows."""
    return Bursts(
        source=np.zeros(0, np.uint16),
        targets=np.zeros(0, np.uint32),
        call=np.zeros(0, np.uint16),
    )
