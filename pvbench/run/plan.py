"""Plan a run: the cases that can run, grouped by boot, and the order of their slices."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, count
from typing import Final

import attrs

from pvbench.delivery import Delivery, Description
from pvbench.errors import PlanLimitError, PvbenchError, SenderError
from pvbench.guest import Guest
from pvbench.plugin.guard import guarded, owner_of, watching
from pvbench.protocol import Turn
from pvbench.results.schema import case_name
from pvbench.run.effort import Effort
from pvbench.run.outcome import Outcome
from pvbench.run.prepared import PlanRoom, Prepared, prepare
from pvbench.run.schedule import adjacent, order, turns
from pvbench.run.static_check import checked_reason, why_unsupported
from pvbench.suite import Case

_FEWEST: Final = 20  # iterations of the slice of a part


@attrs.frozen(slots=False)
class Boot:
    """
    A planned boot.

    Args:
        number_in_guest: its number among the boots of its guest, from 1.
        order: the cases, by their index in *cases*, in the order in which they take turns.
        setting: the number of its setting, from 0.
    """

    number_in_guest: int
    guest: Guest
    cases: tuple[Prepared, ...]
    order: tuple[int, ...]
    setting: int = 0

    @property
    def repeated(self) -> tuple[int, str]:
        """The setting and the guest, which are the same in all boots with the same cases."""
        return self.setting, self.guest.name

    @cached_property
    def parts(self) -> tuple[tuple[Prepared, ...], ...]:
        """The parts of each case; each part is a task of the worker, in this order."""
        return tuple(case.parts for case in self.cases)

    def schedule(self, planned: Effort) -> tuple[Turn, ...]:
        """The slices of the boot; those of the parts of a case follow one another."""
        ends = tuple(accumulate(map(len, self.parts)))
        return tuple(
            Turn(part, *_loops(planned, len(self.parts[case])))
            for case in turns(self.order, planned.slices)
            for part in range(ends[case] - len(self.parts[case]), ends[case])
        )

    @property
    def places(self) -> dict[str, int]:
        """The place of each case, by name, among those that take turns, from 1."""
        return {self.cases[case].name: place for place, case in enumerate(self.order, 1)}


def _loops(planned: Effort, parts: int) -> tuple[int, int]:
    """Iterations and warm-up of a slice; many parts share those of a case."""
    if parts == 1:
        return planned.loops, planned.warmup
    if planned.slices == 1:  # the time of one send does not change
        return 1, 0
    loops = max(planned.loops // parts, min(planned.loops, _FEWEST))
    return loops, min(planned.warmup, loops)


@attrs.frozen(kw_only=True)
class Plan:
    """The boots of a run; `refused` has the cases that will not run, with reasons."""

    cases: tuple[Case, ...]
    boots: tuple[Boot, ...]
    refused: dict[str, Outcome]
    effort: Effort
    seed: int


@attrs.frozen
class Part:
    """The cases of one setting, and the description of the delivery there."""

    description: Description
    cases: list[Case]


def make_plan(
    parts: Sequence[Part],
    delivery: Delivery,
    planned: Effort,
    seed: int,
    on_case: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """
    Check every case, then put those that can run into boots in a shuffled order.

    The boots of a setting, which is a part, have its number.

    Args:
        parts: the cases of the settings.
        delivery: what carries their IPIs.
        planned: the effort.
        seed: of the order.
        on_case: is called with the number of cases so far, and of all.
    """
    refused: dict[str, Outcome] = {}
    groups: dict[tuple[int, Guest], list[Prepared]] = {}
    checks = _Checks(PlanRoom())
    total, done = sum(len(part.cases) for part in parts), count()
    with watching():
        for setting, part in enumerate(parts):
            for case in part.cases:
                on_case(next(done), total)
                prepared_case = _prepared(case, checks, delivery, part.description)
                if isinstance(prepared_case, Outcome):
                    refused[case_name(case)] = prepared_case
                else:
                    groups.setdefault((setting, case.guest), []).append(prepared_case)
    return Plan(
        cases=tuple(case for part in parts for case in part.cases),
        boots=tuple(_boots(groups, planned, seed)),
        refused=refused,
        effort=planned,
        seed=seed,
    )


def _boots(
    groups: dict[tuple[int, Guest], list[Prepared]], planned: Effort, seed: int
) -> Iterator[Boot]:
    """The boots of each guest, in rounds; each round has an order of its own."""
    drawn = random.Random(seed)  # noqa: S311 - a reproducible order, not a secret
    numbers = count(1)
    for number_in_guest in range(1, planned.boots + 1):
        keys = list(groups)
        drawn.shuffle(keys)
        for setting, guest in keys:
            cases = tuple(groups[setting, guest])
            turns = order(seed, next(numbers), len(cases))
            if planned.by_stack:
                turns = adjacent(turns, [_guest_of(case.case) for case in cases])
            yield Boot(number_in_guest, guest, cases, turns, setting)


def _guest_of(case: Case) -> tuple[str, str, str]:
    """What tells Linux guests apart: how they send, their kernel, how idle CPUs wait."""
    return case.stack.name, case.linux.name, case.target_state


@attrs.frozen
class _Checks:
    """
    The cases that passed the static check.

    A case of another setting has the same ops, so that it is checked and kept once.
    """

    room: PlanRoom
    passed: dict[str, Prepared] = attrs.field(factory=dict)

    def prepared(self, case: Case) -> Prepared:
        """*case* after the check; an exception says why it does not pass."""
        name = case_name(attrs.evolve(case, host=None, sweep=""))
        if name not in self.passed:
            self.passed[name] = prepare(case, self.room)
        return attrs.evolve(self.passed[name], case=case)


def _why_no_program(case: Case, delivery: Delivery, description: Description) -> str | None:
    """Why *delivery* cannot run *case*, which is a program or is none."""
    if case.workload.is_program == description.runs_programs:
        return None
    if case.workload.is_program:
        return (
            f"{case.workload.name} is a program for Linux, and delivery {delivery.name} "
            "executes only ops"
        )
    return (
        f"{case.workload.name} is no program, and delivery {delivery.name} boots a Linux "
        "guest, which decides itself what it sends"
    )


def _prepared(
    case: Case, checks: _Checks, delivery: Delivery, description: Description
) -> Prepared | Outcome:
    if case.why_blocked:
        return Outcome("blocked", case.why_blocked)
    try:
        if reason := why_unsupported(case) or _why_no_program(case, delivery, description):
            return Outcome("unsupported", reason)
        prepared_case = checks.prepared(case)
        with guarded(f"delivery {delivery.name}", lambda: owner_of(type(delivery))):
            answers = (
                delivery.why_unsupported(case.guest, part.task, description)
                for part in prepared_case.parts
            )
            answer = next((answer for answer in answers if answer is not None), None)
        reason = checked_reason(answer)
        return Outcome("unsupported", reason) if reason else prepared_case
    except PlanLimitError as error:
        return Outcome("unsupported", str(error))
    except SenderError as error:
        return Outcome("void", str(error))
    except PvbenchError as error:
        return Outcome("void", f"{case.stack.name} on {case.guest.name}: {error}")
