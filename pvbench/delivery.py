"""Deliveries: the hypervisor side.  They execute ops and never know the sender."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import attrs

from pvbench.ops import Burst, Program
from pvbench.topology import Guest
from pvbench.trace import Trace

# What a tick is; times of different clocks are never compared.
TICKS_PER_SECOND: Final = {"model": 10**12, "wall": 10**9}  # tsc comes with its boot
EXACT_CLOCKS: Final = ("model",)
TARGET_STATES: Final = ("halted", "running")


@attrs.frozen(kw_only=True)
class Task:
    """
    A case as a delivery sees it.

    Args:
        bursts: one for each source CPU.
        programs: the ops of each burst when it sends to all its targets.
        program_for: ops of a burst (by index) that sends to some CPUs only.
        target_state: what idle targets do, ``halted`` or ``running``.
        lossy: some targets are never reached, so nobody can wait for them.
    """

    bursts: tuple[Burst, ...]
    programs: tuple[Program, ...]
    program_for: Callable[[int, tuple[int, ...]], Program] = attrs.field(eq=False)
    target_state: str = "halted"
    lossy: bool = False


class Machine(Protocol):
    """One booted guest."""

    def run(self, task: Task, *, loops: int, warmup: int) -> Trace:
        """
        Execute *warmup* iterations, then *loops* timed and counted ones.

        Each source repeats its burst; sources start together.
        """
        ...


class Delivery(Protocol):
    """
    A way of executing ops.

    Attributes:
        name: unique, lower case.
        summary: one line for `pvbench list deliveries`.
        clock: what its ticks are.
    """

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def clock(self) -> str: ...

    def unavailable(self) -> str | None:
        """Why this machine cannot run it; None if it can."""
        ...

    def unsupported(
        self, guest: Guest, target_state: str, mechanism: str, settings: dict[str, Any]
    ) -> str | None:
        """
        Why it cannot run such a case; None if it can.

        Args:
            guest: as it would boot.
            target_state: what the targets shall do, from TARGET_STATES.
            mechanism: how the sender sends, from `pvbench.sender.MECHANISMS`.
            settings: from `settings`.
        """
        ...

    def profiles(self) -> tuple[str, ...]:
        """Names of its bundled cost profiles; ``()`` if it measures."""
        ...

    def settings(self, profile: str | None) -> dict[str, Any]:
        """
        JSON data a worker needs, from a profile's name or file; None is the default.

        Of its keys the core reads ``profile`` (the profile's name) and
        ``profile_sha256``.

        Raises:
            UsageError: the profile is unknown or unusable.
        """
        ...

    def boot(self, guest: Guest, settings: dict[str, Any]) -> AbstractContextManager[Machine]:
        """Boot *guest*; leaving the context ends it."""
        ...
