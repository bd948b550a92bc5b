"""Plan a run: the cases that can run, grouped by boot, and the order of their slices."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Final

import attrs

from pvbench.delivery import Clock, Delivery, Description
from pvbench.errors import PlanLimitError, PvbenchError, SenderError
from pvbench.guest import Guest
from pvbench.plugin.guard import guarded, owner_of, watching
from pvbench.protocol import Turn
from pvbench.results.schema import case_name
from pvbench.run.outcome import Outcome
from pvbench.run.prepared import PlanRoom, Prepared, prepare
from pvbench.run.schedule import order, turns
from pvbench.run.static_check import checked_reason, why_unsupported
from pvbench.suite import Case


@attrs.frozen(kw_only=True)
class Effort:
    """
    How much to measure.

    Args:
        boots: boots of each guest.
        slices: slices of each case in a boot; an even number where drift matters.
        loops: iterations of a slice.
        warmup: uncounted iterations before them.
        slice_s: the longest time a slice should take; slow cases get fewer loops and
            less warm-up, but at least 10 loops.  None for no limit.
    """

    boots: int
    slices: int
    loops: int
    warmup: int
    slice_s: float | None = None

    def warmup_of(self, loops: int) -> int:
        """The warm-up of a slice that has *loops* iterations."""
        return self.warmup if self.slice_s is None else min(self.warmup, loops)


_EXACT: Final = Effort(boots=1, slices=1, loops=20, warmup=10)
_NEAR_EXACT: Final = Effort(boots=2, slices=2, loops=20, warmup=3)
_NOISY: Final = Effort(boots=10, slices=4, loops=1_000, warmup=100, slice_s=0.25)
_EFFORTS: Final = {
    "exact": {
        "fast": attrs.evolve(_EXACT, loops=5),
        "default": _EXACT,
        "rigorous": attrs.evolve(_EXACT, loops=200),
    },
    "near-exact": {
        "fast": attrs.evolve(_NEAR_EXACT, loops=10),
        "default": _NEAR_EXACT,
        "rigorous": attrs.evolve(_NEAR_EXACT, boots=4),
    },
    "none": {
        "fast": attrs.evolve(_NEAR_EXACT, loops=10),
        "default": _NEAR_EXACT,
        "rigorous": attrs.evolve(_NEAR_EXACT, boots=4, loops=200),
    },
    "noisy": {
        "fast": attrs.evolve(_NOISY, boots=3, loops=100),
        "default": _NOISY,
        "rigorous": attrs.evolve(_NOISY, boots=30),
    },
}


def effort(clock: Clock, pace: str, boots: int | None) -> Effort:
    """
    The effort for a clock and a *pace*: ``fast``, ``default`` or ``rigorous``.

    An exact clock gives equal times in every boot and slice, so one of each is enough.  A
    near-exact clock gives almost equal times, however long a slice takes; counts need no
    more.
    """
    planned = _EFFORTS[clock.exactness][pace]
    return attrs.evolve(planned, boots=boots) if boots else planned


@attrs.frozen
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

    def schedule(self, planned: Effort) -> tuple[Turn, ...]:
        """The slices of the boot."""
        return tuple(
            Turn(case, planned.loops, planned.warmup)
            for case in turns(self.order, planned.slices)
        )

    @property
    def places(self) -> dict[str, int]:
        """The place of each case, by name, among those that take turns, from 1."""
        return {self.cases[case].name: place for place, case in enumerate(self.order, 1)}


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
        boots=tuple(_boots(groups, planned.boots, seed)),
        refused=refused,
        effort=planned,
        seed=seed,
    )


def _boots(
    groups: dict[tuple[int, Guest], list[Prepared]], boots: int, seed: int
) -> Iterator[Boot]:
    """*boots* boots of each guest, in rounds; each round has an order of its own."""
    drawn = random.Random(seed)  # noqa: S311 - a reproducible order, not a secret
    numbers = count(1)
    for number_in_guest in range(1, boots + 1):
        keys = list(groups)
        drawn.shuffle(keys)
        for setting, guest in keys:
            cases = tuple(groups[setting, guest])
            turns = order(seed, next(numbers), len(cases))
            yield Boot(number_in_guest, guest, cases, turns, setting)


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


def _prepared(
    case: Case, checks: _Checks, delivery: Delivery, description: Description
) -> Prepared | Outcome:
    if case.why_blocked:
        return Outcome("blocked", case.why_blocked)
    try:
        if reason := why_unsupported(case):
            return Outcome("unsupported", reason)
        prepared_case = checks.prepared(case)
        with guarded(f"delivery {delivery.name}", lambda: owner_of(type(delivery))):
            answer = delivery.why_unsupported(case.guest, prepared_case.task, description)
        reason = checked_reason(answer)
        return Outcome("unsupported", reason) if reason else prepared_case
    except PlanLimitError as error:
        return Outcome("unsupported", str(error))
    except SenderError as error:
        return Outcome("void", str(error))
    except PvbenchError as error:
        return Outcome("void", f"{case.stack.name} on {case.guest.name}: {error}")
