"""Deliveries: the hypervisor side.  They execute ops and never know the sender."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

import attrs

from pvbench.guest import Guest, HostIds
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst, Program
from pvbench.slice_result import SliceResult
from pvbench.validators import ints, one_of

EXACTNESSES: Final = ("exact", "near-exact", "noisy", "none")
EXECUTIONS: Final = ("algorithm", "ops")
TARGET_STATES: Final = ("halted", "running", "polling")


@attrs.frozen(kw_only=True)
class Algorithm:
    """
    The names of a stack, for a guest that has the same algorithm as code of its own.

    Args:
        linux: the kernel whose rules it follows.
    """

    driver: str
    overlay: str = ""
    linux: LinuxEra = attrs.field(factory=LinuxEra)


@attrs.frozen
class Clock:
    """
    The unit of times, a tick; times of different clocks are never ranked.

    Args:
        ticks_per_second: None if each slice result says.
        exactness: ``exact``, times repeat to the tick; ``near-exact``; ``noisy``; or
            ``none``, times say nothing and only counts are of use.
    """

    name: str
    ticks_per_second: int | None
    exactness: str = attrs.field(validator=one_of(*EXACTNESSES))

    @property
    def is_exact(self) -> bool:
        """Whether one boot and one slice give all information."""
        return self.exactness == "exact"

    @property
    def is_noisy(self) -> bool:
        """Whether other work on the machine changes its times."""
        return self.exactness == "noisy"


@attrs.frozen
class Costs:
    """The cost profile of a modelled machine: its name and the SHA-256 of its file."""

    name: str
    sha256: str


@attrs.frozen(kw_only=True)
class Description:
    """
    A delivery on a host, described at the site.

    Args:
        facts: facts of the delivery about measuring there.
        probes: mechanisms tried there, each with why it does not work or ''; None if
            they were not tried.
        limits: largest numbers that the host allows.
        notes: sentences that a report shows.
        worker_data: only the delivery reads it, in `Delivery.why_unsupported` and
            `Delivery.boot`.
        host: facts of the host; the site fills them in.
        advice: sentences on what would make timing there steadier; as above.
        cpus: the host's CPUs, as text; as above.
        cpu_vendor: the vendor of a guest's CPUs, see `pvbench.linux_era.LinuxEra`.
        host_ids: the APIC IDs of the guest ``host``; the site fills them in unless the
            delivery gives some.
        runs_programs: its guests run Linux and the programs of workloads, but no ops.
    """

    clock: Clock
    costs: Costs | None = None
    facts: dict[str, str | int | float] = attrs.field(factory=dict)
    probes: dict[str, str] | None = attrs.field(factory=dict)
    limits: dict[str, int] = attrs.field(factory=dict)
    notes: tuple[str, ...] = ()
    worker_data: bytes = b""
    host: dict[str, str] = attrs.field(factory=dict)
    advice: tuple[str, ...] = ()
    cpus: str = ""
    cpu_vendor: str = ""
    host_ids: HostIds = attrs.field(factory=HostIds)
    runs_programs: bool = False


@attrs.frozen(kw_only=True)
class Options:
    """
    The options that a user chose for a delivery.

    Args:
        costs: name or file of a cost profile; None is the default.
        costs_file: the content of that file, which the site need not have; None for a name.
        cost_values: numbers of the cost profile that the user sets instead, by their names
            there with their table: ``costs.icr_write``.
        cpus: CPUs of this machine to run on; empty for any.
        execution: ``algorithm``, the guest computes the ops itself where it can, or
            ``ops``, it executes a list computed beforehand.
        wait: wait for a timed run of another process before probing.
        progress: name each group of probes on standard error.
        probe: compile and probe if needed; otherwise nothing is run and nothing waits.
        fork: probe in forked processes, which start faster; the process that describes the
            delivery has one thread then.
        near_exact: the site's clock is near-exact: it counts the instructions of all threads.
    """

    costs: str | None = None
    costs_file: bytes | None = None
    cost_values: dict[str, float] = attrs.field(factory=dict)
    cpus: tuple[int, ...] = attrs.field(default=(), converter=ints)
    execution: str = attrs.field(default="algorithm", validator=one_of(*EXECUTIONS))
    wait: bool = True
    probe: bool = True
    progress: bool = False
    fork: bool = False
    near_exact: bool = False


@attrs.frozen(kw_only=True)
class Task:
    """
    A case as a delivery sees it.

    Args:
        bursts: one for each source CPU.
        programs: the ops of each burst when it sends to all its targets.
        reached: CPUs each program reaches; fewer than asked for if *lossy*.
        program_for: ops of a burst (by index) that sends to some CPUs only.
        target_state: what idle targets do, from TARGET_STATES.
        lossy: some targets are never reached, so the source cannot wait for them.
        mechanism: how the sender sends, from `pvbench.sender.MECHANISMS`.
        algorithm: the algorithm that computed the programs.
        program: the words of a program for Linux in the guest, in the place of bursts.
    """

    bursts: tuple[Burst, ...]
    programs: tuple[Program, ...]
    reached: tuple[tuple[int, ...], ...]
    program_for: Callable[[int, tuple[int, ...]], Program] = attrs.field(eq=False)
    target_state: str = "halted"
    lossy: bool = False
    mechanism: str = "icr"
    algorithm: Algorithm | None = None
    program: tuple[str, ...] = ()


class LoadedTask(Protocol):
    """A task that a booted guest can run any number of times."""

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
        Prepare *task* once, for all of its slices.

        Tasks stay loaded until the boot ends, and their slices may be interleaved.
        """
        ...


class Delivery(Protocol):
    """
    A way of executing ops.

    Attributes:
        name: unique, lower case.
        summary: one line for `pvbench list deliveries`.
    """

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...

    def why_unavailable(self) -> str | None:
        """Why this host cannot run the delivery; None if it can.  Called at the site."""
        ...

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        """
        Why the delivery cannot run *task* in *guest* on the host described; None if it can.

        It is pure, because the manager may be on another machine.
        """
        ...

    def cost_profiles(self) -> tuple[str, ...]:
        """Names of the bundled cost profiles; ``()`` if the delivery measures."""
        ...

    def describe(self, options: Options) -> Description:
        """
        Describe the delivery on this host.  Called at the site, after `why_unavailable`.

        Raises:
            UsageError: this delivery cannot do what *options* ask.
            UnavailableError: this host cannot.
        """
        ...

    def boot(self, guest: Guest, worker_data: bytes) -> AbstractContextManager[BootedGuest]:
        """Boot *guest* with the data of a description; leaving the context ends it."""
        ...


class Portable(Protocol):
    """A delivery that also works on a host with neither a compiler nor the user's cache."""

    def cache_files(self) -> dict[str, bytes]:
        """
        Files that the delivery needs in the user's cache folder there, by name.

        Raises:
            UnavailableError: they cannot be made here.
        """
        ...
