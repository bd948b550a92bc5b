"""Cases that passed the static check, and the tasks that a delivery gets for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import repeat
from time import monotonic

import attrs

from pvbench.delivery import Task
from pvbench.dispatch import rest_of
from pvbench.errors import PlanLimitError
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
    def parts(self) -> tuple[Prepared, ...]:
        """What is run by itself: the sends of a recording, each alone, or all bursts."""
        return tuple(self._parts()) if self.case.repeats else (self,)

    def _parts(self) -> Iterator[Prepared]:
        for burst, expected in zip(self.case.bursts, self.bursts, strict=True):
            case = attrs.evolve(self.case, bursts=(burst,), repeats=(), sample=())
            yield Prepared(case, (attrs.evolve(expected, repeats=1),))

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
            program=self.case.workload.program,
        )

    @cached_property
    def _subsets(self) -> dict[tuple[int, tuple[int, ...]], Expected]:
        return {}

    def subset(self, burst: int, cpus: tuple[int, ...]) -> Expected:
        """Return the counts expected of burst number *burst* when it sends only to *cpus*."""
        if (burst, cpus) not in self._subsets:
            case = self.case
            part = rest_of(case.bursts[burst], cpus, case.linux)
            self._subsets[burst, cpus] = check(
                case.stack, part, case.guest, linux=case.linux, polling=case.polling
            )
        return self._subsets[burst, cpus]


@attrs.define
class PlanRoom:
    """
    The room left in a plan, which bounds the memory and the time of senders and workloads.

    Args:
        ops: the number of ops that may still be added.
        case_s: the longest time for the bursts of one case.
    """

    ops: int = 1 << 22
    case_s: float = 60


def prepare(case: Case, room: PlanRoom | None = None) -> Prepared:
    """
    Make the ops of *case*, check them and take them from *room*.

    Raises:
        SenderError: the ops do not send what a burst asks for.
        PlanLimitError: there are too many ops, or they take too long.
    """
    room = room or PlanRoom()
    ops_before, end_s = room.ops, monotonic() + room.case_s
    checked = []
    for burst, count in zip(case.bursts, case.repeats or repeat(1), strict=False):
        sent = check(case.stack, burst, case.guest, linux=case.linux, polling=case.polling)
        checked.append(attrs.evolve(sent, repeats=count))
        room.ops -= len(checked[-1].program)
        if room.ops < 0:
            room.ops = ops_before
            raise _beyond(case, f"the plan has no room for more than {ops_before} ops of it")
        if monotonic() > end_s:
            raise _beyond(case, f"its ops take longer than {room.case_s:g} s")
    return Prepared(case, tuple(checked))


def _beyond(case: Case, why: str) -> PlanLimitError:
    what = f"sender {case.stack.name} cannot be planned with workload {case.workload.spec}"
    return PlanLimitError(what, why=why)
