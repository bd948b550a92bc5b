"""
The events of the running kernel that report IPIs, where they are sent and received.

Source: Linux, include/trace/events/ipi.h and csd.h, arch/x86/include/asm/trace/irq_vectors.h.
x86 has ipi_send_* since 6.4 (68e2d17c9eeb) and csd_queue_cpu since 6.5.
"""

from __future__ import annotations

from typing import Final

from pvbench.errors import UnavailableError
from pvbench.recorder.tracefs import Tracefs

SENT: Final = ("ipi/ipi_send_cpu", "ipi/ipi_send_cpumask")
WANTED: Final = "csd/csd_queue_cpu"
# The interrupts that a CPU receives, by the words of /proc/interrupts for people.
RECEIVED: Final = {
    "reschedule": "irq_vectors/reschedule_entry",
    "call function": "irq_vectors/call_function_entry",
    "call function single": "irq_vectors/call_function_single_entry",
    "irq work": "irq_vectors/irq_work_entry",
}


def check_sends(tracefs: Tracefs) -> None:
    """
    Check that the kernel reports the IPIs that it sends.

    Raises:
        UnavailableError: it does not.
    """
    if not all(map(tracefs.has, SENT)):
        raise UnavailableError(
            "this kernel has no events ipi:ipi_send_cpu and ipi:ipi_send_cpumask",
            why="x86 has them from Linux 6.4 on",
            fix="--receivers counts the interrupts that each CPU receives.",
        )


def check_histograms(tracefs: Tracefs) -> None:
    """
    Check that the kernel can count sends by itself.

    Raises:
        UnavailableError: it cannot.
    """
    if not (tracefs.path / "events" / SENT[0] / "hist").exists():
        raise UnavailableError(
            "this kernel has no histograms of events",
            why="it is built without CONFIG_HIST_TRIGGERS",
            fix="Record without --histogram; --receivers runs as long as you like too.",
        )


def check_receivers(tracefs: Tracefs) -> None:
    """
    Check that the kernel reports the IPIs that a CPU receives.

    Raises:
        UnavailableError: it does not.
    """
    if missing := [event for event in RECEIVED.values() if not tracefs.has(event)]:
        raise UnavailableError(
            f"this kernel has no event {missing[0].replace('/', ':')}",
            why="x86 has it if the kernel is built with tracepoints",
        )


def received(tracefs: Tracefs) -> tuple[str, ...]:
    """The events of interrupts that are received, as far as the kernel has them."""
    return tuple(filter(tracefs.has, RECEIVED.values()))
