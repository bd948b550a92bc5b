"""Deliveries: the hypervisor side.  They execute ops and never know the sender."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import attrs

from pvbench.guest import Guest
from pvbench.ops import Burst, Program
from pvbench.slice_result import SliceResult
from pvbench.validators import ints, one_of

# What a tick is; times of different clocks are never compared.
CLOCKS: Final = {"model": 10**12, "wall": 10**9, "tsc": None}  # ticks a second, if fixed
EXACT_CLOCKS: Final = ("model",)
EXECUTIONS: Final = ("algorithm", "ops")
TARGET_STATES: Final = ("halted", "running")


@attrs.frozen(kw_only=True)
class Algorithm:
    """
    The names of a stack, for a guest that has the same algorithm as code of its own.

    Args:
        shorthands: it sends full broadcasts by shorthand.
    """

    driver: str
    overlay: str = ""
    shorthands: bool = False


@attrs.frozen(kw_only=True)
class Options:
    """
    What a user asks of a delivery.

    Args:
        costs: name or file of a cost profile; None is the default.
        cpus: CPUs of this machine to run on; empty for any.
        execution: ``algorithm``, the guest computes the ops itself where it can, or
            ``ops``, it executes a list computed beforehand.
        wait: for a timed run that is under way, if this machine must be tried first.
    """

    costs: str | None = None
    cpus: tuple[int, ...] = attrs.field(default=(), converter=ints)
    execution: str = attrs.field(default="algorithm", validator=one_of(*EXECUTIONS))
    wait: bool = True


@attrs.frozen(kw_only=True)
class Task:
    """
    A case as a delivery sees it.

    Args:
        bursts: one for each source CPU.
        programs: the ops of each burst when it sends to all its targets.
        reached: CPUs each program reaches; fewer than asked for if *lossy*.
        program_for: ops of a burst (by index) that sends to some CPUs only.
        target_state: what idle targets do, ``halted`` or ``running``.
        lossy: some targets are never reached, so nobody can wait for them.
        mechanism: how the sender sends, from `pvbench.sender.MECHANISMS`.
        algorithm: what made the programs.
    """

    bursts: tuple[Burst, ...]
    programs: tuple[Program, ...]
    reached: tuple[tuple[int, ...], ...]
    program_for: Callable[[int, tuple[int, ...]], Program] = attrs.field(eq=False)
    target_state: str = "halted"
    lossy: bool = False
    mechanism: str = "icr"
    algorithm: Algorithm | None = None


class LoadedTask(Protocol):
    """A task that a booted guest is ready to run, as often as is asked."""

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        """
        Execute *warmup* iterations, then *loops* timed and counted ones.

        Each source repeats its burst; sources start together.
        """
        ...


class BootedGuest(Protocol):
    """One booted guest."""

    def load(self, task: Task) -> LoadedTask:
        """
        Do for *task* once whatever need not be done for each of its slices.

        Tasks stay loaded until the boot ends, and their slices may take turns.
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

    def why_unavailable(self) -> str | None:
        """Why this machine cannot run it; None if it can."""
        ...

    def why_unsupported(self, guest: Guest, task: Task, settings: dict[str, Any]) -> str | None:
        """Why it cannot run *task* in such a guest; None if it can."""
        ...

    def cost_profiles(self) -> tuple[str, ...]:
        """Names of its bundled cost profiles; ``()`` if it measures."""
        ...

    def settings(self, options: Options) -> dict[str, Any]:
        """
        JSON data a worker needs.

        Of its keys the core reads ``cost_profile`` (its name), ``cost_profile_sha256``,
        ``facts`` about this machine, and ``probes``: mechanisms tried on it, each with
        why it does not work or ''.

        Raises:
            UsageError: this delivery cannot do what *options* ask.
        """
        ...

    def boot(
        self, guest: Guest, settings: dict[str, Any]
    ) -> AbstractContextManager[BootedGuest]:
        """Boot *guest*; leaving the context ends it."""
        ...
