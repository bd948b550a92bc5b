"""Execute random trials, judge their outcomes, and minimise the first disagreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Final

import attrs

from pvbench.errors import EmptyError
from pvbench.ops import WrMsr
from pvbench.plugin.registry import Registry
from pvbench.sender import Stack
from pvbench.verify.generator import SCENES, Generator
from pvbench.verify.judge import Disagreement, judge
from pvbench.verify.minimise import minimised
from pvbench.verify.place import Place, Progress
from pvbench.verify.stored import Stored
from pvbench.verify.trials import Trial
from pvbench.x86.apic import APIC_ICR, APIC_SELF_IPI, x2apic_msr

_DRAWN_FOR_ONE: Final = 50  # trials that are drawn at most for one that is supported
# They show the properties of an era: bit 20 of the ICR, bit 32 of SELF IPI.
PROBES: Final = (
    Trial("x2", [(0, (WrMsr(x2apic_msr(APIC_ICR), 1 << 32 | 1 << 20 | 0xF0),))]),
    Trial("x2", [(0, (WrMsr(x2apic_msr(APIC_SELF_IPI), 1 << 32 | 0xF0),))]),
)


def run_trials(
    place: Place,
    generator: Generator,
    amount: int,
    progress: Progress,
    on_draw: Progress = lambda done, total: None,
) -> Stored:
    """
    Execute *amount* trials that *place* supports: the probes of eras and random ones.

    There is at least one random trial.

    Args:
        place: where they are executed.
        generator: draws them.
        amount: how many.
        progress: is called after each boot.
        on_draw: is called with the number of trials that are drawn.

    Raises:
        EmptyError: it supports none of those drawn.
        UnavailableError: no guest can be booted.
    """
    drawn = islice(map(generator.trial, count()), _DRAWN_FOR_ONE * amount)
    amount = max(1, amount - len(PROBES))
    trials = []
    for trial in islice(place.supported(drawn, SCENES), amount):
        trials.append(trial)
        on_draw(len(trials), amount)
    if not trials:
        reasons = "; ".join(place.refused) or "--count is 0"
        raise EmptyError("no program can be executed there", why=reasons)
    trials.sort(key=lambda trial: trial.scene)  # a scene takes few boots
    probes = place.supported(PROBES, SCENES)
    return place.run((*probes, *trials), SCENES, progress)


def bare_stacks(registry: Registry) -> list[Stack]:
    """Every driver, and every overlay over every driver, but those of the running kernel."""
    drivers = [one for one in registry.drivers.values() if one.mechanism != "kernel"]
    overlaid = [
        Stack(one, over)
        for one in drivers
        for over in registry.overlays.values()
        if over.mechanism != "kernel"
    ]
    return [*map(Stack, drivers), *overlaid]


def smallest(place: Place, stored: Stored, disagreement: Disagreement) -> Disagreement:
    """
    *disagreement* in its smallest form, found by executing smaller trials.

    One that does not repeat alone remains as it is.
    """
    last = disagreement

    def first_wrong(trials: Sequence[Trial]) -> Trial | None:
        nonlocal last
        for one in _disagreements(place, stored, trials):
            last = one
            return one.alone
        return None

    if first_wrong([disagreement.alone]) is None:
        return disagreement
    minimised(disagreement.alone, first_wrong)
    return last


def _disagreements(
    place: Place, stored: Stored, trials: Sequence[Trial]
) -> Iterator[Disagreement]:
    """Those of *trials* that disagree in the era of *stored*, each in its turn."""
    probes = [trial for trial in PROBES if trial in stored.trials]
    supported = place.supported(trials, stored.scenes)
    again = place.run((*probes, *supported), stored.scenes, lambda done, total: None)
    yield from (
        attrs.evolve(one, number=one.number - len(probes))
        for one in judge(again).disagreements
        if one.number >= len(probes)
    )
