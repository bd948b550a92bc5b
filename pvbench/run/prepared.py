"""Cases that passed the static check, and the tasks that a delivery gets for them."""

from __future__ import annotations

from functools import cached_property

import attrs

from pvbench.delivery import Task
from pvbench.results.schema import case_name
from pvbench.run.static_check import Expected, check
from pvbench.suite import Case


@attrs.frozen(eq=False, slots=False)
class Prepared:
    """A case that passed the static check."""

    case: Case
    bursts: tuple[Expected, ...]

    @cached_property
    def name(self) -> str:
        """The name of the case."""
        return case_name(self.case)

    @property
    def lossy(self) -> bool:
        """Whether the sender never reaches some of the targets."""
        return any(expected.lost for expected in self.bursts)

    @property
    def task(self) -> Task:
        """The task that a delivery gets for this case."""
        return Task(
            bursts=self.case.bursts,
            programs=tuple(expected.program for expected in self.bursts),
            reached=tuple(expected.cpus for expected in self.bursts),
            program_for=lambda burst, cpus: self.subset(burst, cpus).program,
            target_state=self.case.target_state,
            lossy=self.lossy,
            mechanism=self.case.stack.sender.mechanism,
            algorithm=self.case.algorithm,
        )

    @cached_property
    def _subsets(self) -> dict[tuple[int, tuple[int, ...]], Expected]:
        return {}

    def subset(self, burst: int, cpus: tuple[int, ...]) -> Expected:
        """Return what is expected of burst number *burst* when it sends only to *cpus*."""
        if (burst, cpus) not in self._subsets:
            case = self.case
            part = attrs.evolve(case.bursts[burst], targets=cpus)
            self._subsets[burst, cpus] = check(
                case.stack, part, case.guest, shorthands=case.shorthands
            )
        return self._subsets[burst, cpus]


def prepare(case: Case) -> Prepared:
    """
    Make the ops of *case* and check them.

    Raises:
        SenderError: the ops do not send what a burst asks for.
    """
    checked = (
        check(case.stack, burst, case.guest, shorthands=case.shorthands)
        for burst in case.bursts
    )
    return Prepared(case, tuple(checked))
