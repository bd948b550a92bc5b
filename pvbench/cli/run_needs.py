"""The number of boots that a run needs, which `pvbench run` prints before it measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from pvbench import notices
from pvbench.errors import UsageError
from pvbench.run.prepared import Prepared
from pvbench.run.request import PreparedRun


def say_boots_needed(prepared: PreparedRun) -> None:
    """
    Print how many boots detect a difference between the senders of a timed run.

    Raises:
        UsageError: a file of `pvbench noise` cannot be read.
    """
    if not prepared.launch.clock.is_noisy:
        return
    from pvbench.compare import planned
    from pvbench.results import noise, schema

    ready, pairs = _ready(prepared), _pairs(prepared)
    if not pairs:
        return
    plan = prepared.plan
    facts = schema.from_metadata(prepared.facts)
    boots = plan.effort.boots
    conditions = noise.conditions_of(facts, {"effort": attrs.asdict(plan.effort)}, boots)
    lines = noise.read(noise.path_here())
    spread = planned.spread_of((case.name for case in ready), lines, conditions)
    notices.say(planned.sentence(pairs=pairs, boots=boots, spread=spread))


def looks_of(prepared: PreparedRun) -> Callable[[Path, int], bool] | None:
    """
    The function that ends the run after enough boots; None if their number is fixed.

    Raises:
        UsageError: the run has no pair of senders.
    """
    most = prepared.request.max_boots
    if most is None or not prepared.launch.clock.is_noisy:
        return None
    from pvbench.compare.comparison import Question
    from pvbench.compare.settled import Looks

    if not _pairs(prepared):
        raise UsageError(
            "--until settled needs two senders to compare", fix="Give --sender A,B."
        )
    question = Question(by="sender")
    return lambda path, boots: Looks(
        paths=(path,), question=question, max_boots=most
    ).settled_after(boots)


def _ready(prepared: PreparedRun) -> list[Prepared]:
    """The cases that can run."""
    boots = prepared.plan.boots
    return [case for boot in boots if boot.number_in_guest == 1 for case in boot.cases]


def _pairs(prepared: PreparedRun) -> int:
    from pvbench.compare import planned
    from pvbench.results import schema

    return planned.pairs_of(schema.case_facts(case.case) for case in _ready(prepared))
