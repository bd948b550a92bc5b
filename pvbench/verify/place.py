"""Where trials are executed: a delivery on the host of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import groupby
from typing import Final

import attrs

from pvbench.delivery import Delivery, Description, Task
from pvbench.errors import ProtocolError, UnavailableError, WorkerError
from pvbench.ops import Burst
from pvbench.protocol import ErrorReport, Execute, OutcomeReport
from pvbench.run.signals import Stop
from pvbench.site import Session
from pvbench.trials import Outcome, disabled_by
from pvbench.verify.stored import Stored
from pvbench.verify.trials import Scene, Trial

Progress = Callable[[int, int], None]  # programs that were executed, and all of them

TRIALS_OF_BOOT: Final = 250  # the most


@attrs.define(kw_only=True)
class Place:
    """
    A delivery on the first host of a session.

    Args:
        module: the module of the delivery's plugin.
        deadline_s: the longest time of a boot.
        stop: ends it after a signal; what was executed before is kept.
        refused: why trials were not executed, and how many.
        lost_once: why guests were lost that were not lost with the same trials again, and how
            many.
        is_incomplete: whether a guest failed to boot twice after others had executed trials.
    """

    session: Session
    delivery: Delivery
    module: str
    description: Description
    deadline_s: float
    stop: Stop = attrs.field(factory=Stop)
    refused: dict[str, int] = attrs.field(factory=dict)
    lost_once: dict[str, int] = attrs.field(factory=dict)
    is_incomplete: bool = False

    @property
    def kernel(self) -> str:
        """The kernel of the host; empty for a model."""
        if self.description.clock.is_exact:
            return ""
        return self.description.host.get("kernel_release", "")

    def supported(
        self, trials: Iterable[Trial], scenes: Mapping[str, Scene]
    ) -> Iterator[Trial]:
        """Those of *trials* that the delivery can execute here; the others are counted."""
        for trial in trials:
            scene = scenes[trial.scene]
            reason = self.delivery.why_unsupported(
                scene.guest, _task(trial, scene), self.description
            )
            if reason is None:
                yield trial
            else:
                self._refuse(reason, 1)

    def _refuse(self, reason: str, trials: int) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + trials

    def run(
        self, trials: Iterable[Trial], scenes: Mapping[str, Scene], progress: Progress
    ) -> Stored:
        """
        Execute *trials* in boots of consecutive ones of a scene.

        Once a boot has executed some, one that fails is tried again.  If it fails again, the
        other trials of its scene are refused, and the outcomes of earlier ones are kept.
        A boot whose guest is lost is repeated once, and the outcomes of the second are kept:
        a program that is the cause shows that again.

        Raises:
            UnavailableError: the first guest cannot be booted.
        """
        trials, done = list(trials), list[Trial]()
        outcomes: list[Outcome] = []
        boots = []
        for name, group in groupby(trials, lambda trial: trial.scene):
            remaining = list(group)
            while remaining:
                next_ones = remaining[:TRIALS_OF_BOOT]
                work = partial(self._repeatable, scenes[name], next_ones, again=bool(done))
                try:
                    part = self.stop.unless_signalled(work)
                except UnavailableError as error:
                    if not done:
                        raise
                    self._refuse(str(error), len(remaining))
                    self.is_incomplete = True
                    break
                if part is None:
                    break
                boots.append(len(done))
                outcomes += part
                done += remaining[: len(part)]
                remaining = remaining[len(part) :]
                progress(len(done), len(trials))
        return Stored(
            scenes=dict(scenes),
            trials=tuple(done),
            outcomes=tuple(outcomes),
            kernel=self.kernel,
            boots=tuple(boots),
        )

    def _repeatable(
        self, scene: Scene, trials: Sequence[Trial], *, again: bool
    ) -> list[Outcome]:
        """The outcomes of `_booted`, or those of a repetition if the guest is lost."""
        outcomes = self._booted(scene, trials, again=again)
        reason = outcomes[-1].lost
        if not reason:
            return outcomes
        repeated = self._booted(scene, trials[: len(outcomes)], again=True)
        if not repeated[-1].lost:
            self.lost_once[reason] = self.lost_once.get(reason, 0) + 1
        return repeated

    def _booted(self, scene: Scene, trials: Sequence[Trial], *, again: bool) -> list[Outcome]:
        """The outcomes of `_boot`, or of another boot if *again* and the first one fails."""
        try:
            return self._boot(scene, trials)
        except UnavailableError:
            if not again:
                raise
            return self._boot(scene, trials)

    def _boot(self, scene: Scene, trials: Sequence[Trial]) -> list[Outcome]:
        """The outcomes of the first of *trials*, at least one."""
        request = Execute(
            delivery=self.delivery.name,
            delivery_module=self.module,
            worker_data=self.description.worker_data,
            guest=scene.guest,
            target_state=scene.target_state,
            trials=tuple(trial.programs for trial in trials),
            deadline_s=self.deadline_s,
        )
        outcomes: list[Outcome] = []
        try:
            with closing(self.session.boot(self.session.hosts[0], request)) as reports:
                for report in reports:
                    if isinstance(report, ErrorReport):
                        raise WorkerError(report.error)
                    if not isinstance(report, OutcomeReport):
                        raise ProtocolError("it does not report an outcome")
                    outcomes.append(report.outcome)
        except WorkerError as error:
            if not outcomes:
                what = f"no guest executes programs of scene {scene.guest.name}"
                raise UnavailableError(what, why=str(error)) from None
            outcomes.append(Outcome(lost=str(error)))
        return outcomes[: len(trials)]


def _task(trial: Trial, scene: Scene) -> Task:
    """The programs of *trial* that send as a task, which has the mechanisms they need."""
    programs = dict(trial.programs)
    for cpu in disabled_by(trial.programs, scene.guest.apic_mode):
        del programs[cpu]
    sources = list(programs)
    idle = tuple(cpu for cpu in scene.guest.cpus if cpu not in sources)
    return Task(
        bursts=tuple(Burst(source=cpu, operation="send_IPI_mask") for cpu in sources),
        programs=tuple(programs.values()),
        reached=(idle if scene.target_state == "running" else (),) * len(sources),
        program_for=lambda burst, cpus: (),
        target_state=scene.target_state,
    )
