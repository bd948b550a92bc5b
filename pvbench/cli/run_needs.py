"""
The hosts of a run, the number of boots that it needs, and for how many it has room.

`pvbench run` prints them before it measures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from pvbench import notices
from pvbench.errors import UsageError
from pvbench.run.prepared import Prepared
from pvbench.run.request import PreparedRun
from pvbench.shapes import MOST_VALUES
from pvbench.text import counted, shortened_list

_VALUES_OF_CASE: Final = 150  # JSON values of a case of a boot, about: of four series


def say_needs(prepared: PreparedRun) -> None:
    """
    Print the hosts of a run, its boots at once, those that it needs and has room for.

    Raises:
        UsageError: a file of `pvbench noise` cannot be read.
    """
    if notices.is_verbose():
        _say_facts(prepared)
    _say_hosts(prepared)
    _say_at_once(prepared)
    _say_boots_needed(prepared)
    _say_room(prepared)


def _say_facts(prepared: PreparedRun) -> None:
    """Print what the delivery says about the machine, such as the cost profile for it."""
    for name, fact in prepared.settings[0].description.facts.items():
        notices.say(f"{prepared.delivery}: {name}: {fact}")


def _say_hosts(prepared: PreparedRun) -> None:
    """Print the hosts that each run the whole plan; a site with one host has none to name."""
    names = [
        f"{host.id} ({host.name})"
        for setting in prepared.settings
        if setting.host
        for host in setting.hosts
    ]
    if len(names) > 1:
        listing = shortened_list(names, 8)
        notices.say(
            f"each of {len(names)} hosts runs all boots: {listing}; --hosts chooses others"
        )


def _say_at_once(prepared: PreparedRun) -> None:
    """Print how many emulated boots run at once; they need CPUs and memory of this machine."""
    if prepared.clock.is_exact or prepared.clock.is_noisy:
        return
    boots = len(prepared.plan.boots)
    at_once = min(boots, sum(len(setting.slots) for setting in prepared.settings))
    notices.say(f"{counted(boots, 'boot')}, up to {at_once} at once")


def _say_boots_needed(prepared: PreparedRun) -> None:
    """Print how many boots detect a difference between the senders."""
    if not prepared.clock.is_noisy:
        return
    from pvbench.compare import planned
    from pvbench.results import noise, schema

    ready, pairs = _ready(prepared), _pairs(prepared)
    if not pairs:
        return
    plan = prepared.plan
    facts = schema.from_metadata(prepared.settings[0].facts)
    boots = plan.effort.boots
    conditions = noise.conditions_of(facts, {"effort": attrs.asdict(plan.effort)}, boots)
    lines = noise.read(noise.path_here())
    spread = planned.spread_of((case.name for case in ready), lines, conditions)
    notices.say(planned.sentence(pairs=pairs, boots=boots, spread=spread))


def _say_room(prepared: PreparedRun) -> None:
    """Print how many boots the result file has room for, if those of the plan are more."""
    values = _VALUES_OF_CASE * sum(len(boot.cases) for boot in prepared.plan.boots)
    if prepared.clock.is_exact or values <= MOST_VALUES:
        return
    boots = prepared.plan.effort.boots
    room = boots * MOST_VALUES // values
    notices.say(
        f"the result file has room for about {room} of the {boots} boots of each guest: "
        "take fewer, or fewer cases"
    )


def looks_of(prepared: PreparedRun) -> Callable[[Path, int], bool] | None:
    """
    The function that ends the run after enough boots; None if their number is fixed.

    Raises:
        UsageError: the run has no pair of senders.
    """
    most = prepared.request.max_boots
    if most is None or not prepared.clock.is_noisy:
        return None
    from pvbench.compare.question import Question
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
