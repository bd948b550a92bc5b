"""What `pvbench run` says before it measures: how many boots its comparison needs."""

from __future__ import annotations

import attrs

from pvbench import notices
from pvbench.run.request import PreparedRun


def say_boots_needed(prepared: PreparedRun) -> None:
    """
    Say how many boots find a difference between the senders of a timed run.

    Raises:
        UsageError: what `pvbench noise` has stored cannot be read.
    """
    if prepared.launch.clock.is_exact:
        return
    from pvbench.compare import planned
    from pvbench.results import noise, schema

    plan = prepared.plan
    ready = [case for boot in plan.boots if boot.replicate == 1 for case in boot.cases]
    pairs = planned.pairs_of(schema.case_facts(case.case) for case in ready)
    if not pairs:
        return
    facts = schema.from_metadata(prepared.facts)
    boots = plan.effort.boots
    conditions = noise.conditions_of(facts, {"effort": attrs.asdict(plan.effort)}, boots)
    lines = noise.read(noise.path_here())
    spread = planned.spread_of((case.name for case in ready), lines, conditions)
    notices.say(planned.sentence(pairs=pairs, boots=boots, spread=spread))
