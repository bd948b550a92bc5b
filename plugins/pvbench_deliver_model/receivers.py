"""What the sending side asks about the vCPUs that it interrupts."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pvbench_deliver_model.arrays import I64, Flags


class Receivers(Protocol):
    """The state of vCPUs at the times at which a send serves them."""

    def not_running(self, cpus: I64, at: I64) -> Flags:
        """Return which of *cpus* AVIC's tables do not show as running at the times *at*."""
        ...

    def polled(self, cpus: I64, at: I64) -> Flags:
        """Return for which halted *cpus* KVM polls at the times *at*."""
        ...

    def blocked(self, cpus: I64, at: I64) -> Flags | None:
        """Return which of *cpus* KVM has to wake at the times *at*; None if there are none."""
        ...

    def wait(self, at: I64, waits: I64) -> None:
        """Let the blocked CPUs of the last question wait until *at*, for *waits*."""
        ...


class AlwaysRunning:
    """Receivers that neither halt nor share host CPUs."""

    def not_running(self, cpus: I64, at: I64) -> Flags:
        return np.zeros(len(cpus), np.bool_)

    def polled(self, cpus: I64, at: I64) -> Flags:
        return np.zeros(len(cpus), np.bool_)

    def blocked(self, cpus: I64, at: I64) -> Flags | None:
        return None

    def wait(self, at: I64, waits: I64) -> None:
        """There are none."""
