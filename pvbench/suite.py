"""Suites (questions) and cases (one stack, workload and guest to measure)."""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.delivery import TARGET_STATES, Algorithm
from pvbench.dispatch import polling_cpus, uninterrupted
from pvbench.guest import Guest
from pvbench.linux_era import CURRENT, LinuxEra
from pvbench.ops import Burst
from pvbench.sender import Stack
from pvbench.validators import integer, one_of, text, texts
from pvbench.workload import Drawn, Workload

TIMES: Final = "times"
LOSSES: Final = "losses"


@attrs.frozen(kw_only=True)
class Suite:
    """
    A question: which workloads, stacks and guests to compare.

    Args:
        name: unique, lower case with dashes.
        version: raise it when results stop being comparable.
        workloads: names of workloads, in the order of their columns.
        drivers: names of drivers; ``native`` is the one that the kernel would choose.
        overlays: names of overlays; None is all there are.  The bare drivers
            always run too.
        guests: topology specifications.
        target_states: what targets do while they wait, from TARGET_STATES.
        linux: the kernels of the guest, as `pvbench.linux_era.parsed` takes them.
        delivery: the delivery it is about, used where the user names none.
        costs: the cost profile it is about, used where the user names none and the
            delivery offers it; None is the delivery's default.
        answer: what a run of several guests prints: ``times``, or ``losses`` for a matrix
            of the IPIs that each sender loses in each guest.
    """

    name: str
    version: int = attrs.field(validator=integer(1, 1 << 31, "it counts the changes"))
    summary: str
    workloads: tuple[str, ...] = attrs.field(validator=texts("names of workloads"))
    drivers: tuple[str, ...] = attrs.field(validator=texts("names of drivers"))
    overlays: tuple[str, ...] | None = attrs.field(
        default=None, validator=attrs.validators.optional(texts("names of overlays"))
    )
    guests: tuple[str, ...] = attrs.field(validator=texts("topologies", minimum=1))
    target_states: tuple[str, ...] = attrs.field(
        default=("halted",),
        validator=attrs.validators.deep_iterable(one_of(*TARGET_STATES)),
    )
    linux: tuple[str, ...] = attrs.field(
        default=(CURRENT,), validator=texts("versions of Linux", minimum=1)
    )
    delivery: str = attrs.field(default="model", validator=text("the name of a delivery"))
    costs: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(text("the name of a cost profile"))
    )
    answer: str = attrs.field(default=TIMES, validator=one_of(TIMES, LOSSES))


@attrs.frozen(kw_only=True)
class Case:
    """
    The properties that distinguish one measurement from another.

    Its name and its facts in a result file follow from `pvbench.results.schema`.

    Args:
        native_driver: the name of the driver that its kernel would choose in its guest.
        host: the ID of a host of the site, if the run measures each of them for itself.
        sweep: the costs that a sweep sets, ``costs.icr_write=1000``; empty without one.
        bursts: one of each source; or the distinct sends of a recording.
        repeats: how often each send of a recording is sent in an iteration; empty for bursts.
        sample: how each send was drawn; empty for all sends of a recording.
        answer: that of its suite.
    """

    suite: str
    suite_version: int
    workload: Workload
    stack: Stack
    guest: Guest
    linux: LinuxEra
    target_state: str
    delivery: str
    site: str
    costs: str | None
    bursts: tuple[Burst, ...] = attrs.field(repr=False)
    repeats: tuple[int, ...] = attrs.field(default=(), repr=False)
    sample: tuple[Drawn, ...] = attrs.field(default=(), repr=False)
    native_driver: str = ""
    host: str | None = None
    sweep: str = ""
    answer: str = TIMES
    why_unsupported: str | None = None  # why the guest cannot have the bursts
    why_blocked: str | None = None  # the error of the workload

    @property
    def polling(self) -> frozenset[int]:
        """The CPUs that poll, so that Linux does not interrupt one that is an only target."""
        sources = (burst.source for burst in self.bursts)
        polling = polling_cpus(self.target_state, sources, self.guest)
        return uninterrupted(polling, self.linux)

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm that computes its ops."""
        overlay = self.stack.overlay
        return Algorithm(
            driver=self.stack.driver.name,
            overlay=overlay.name if overlay else "",
            linux=self.linux,
        )
