"""Compare outcomes with the decoder of today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from pvbench.decode.decoder import ICR2_ADDRESS, ICR_ADDRESS
from pvbench.decode.era import Era
from pvbench.ops import MmioWrite, Program
from pvbench.text import shortened_list
from pvbench.trials import Ending, Outcome
from pvbench.verify.exclusions import exclusion
from pvbench.verify.expected import BootState, Expected
from pvbench.verify.stored import Stored
from pvbench.verify.trials import Scene, Trial

_SHOWN: Final = 6  # interrupts that a sentence names
# The properties of an era, each as a sentence.
PROPERTIES: Final = {
    "x2apic_icr_reserved_bits_gp": "an x2APIC ICR write with a reserved bit raises #GP",
    "self_ipi_high_bits_gp": "a SELF IPI write with one of the bits 63:32 raises #GP",
}


@attrs.frozen(kw_only=True)
class Disagreement:
    """
    A trial whose outcome is not what the decoder says.

    Args:
        number: of the trial.
        history: the trials of its boot that came before.
        differences: sentences.
    """

    number: int
    trial: Trial
    history: tuple[Trial, ...]
    outcome: Outcome
    differences: tuple[str, ...]

    @property
    def alone(self) -> Trial:
        """The trial with the ICR2 that its boot had, so that it needs no other trial."""
        earlier = [pair for trial in self.history for pair in trial.programs]
        return attrs.evolve(
            self.trial,
            programs=[
                (source, with_icr2(program, [p for cpu, p in earlier if cpu == source]))
                for source, program in self.trial.programs
            ],
        )


def with_icr2(program: Program, earlier: Sequence[Program]) -> Program:
    """*program* after the last write to ICR2 of *earlier* programs, if it needs that."""
    addresses = [op.address for op in program if isinstance(op, MmioWrite)]
    if addresses[:1] != [ICR_ADDRESS]:
        return program
    writes = [op for one in earlier for op in one if isinstance(op, MmioWrite)]
    writes = [op for op in writes if op.address == ICR2_ADDRESS]
    return (*writes[-1:], *program)


@attrs.frozen(kw_only=True)
class Judgement:
    """
    The result of judging a file.

    Args:
        programs: the number of outcomes.
        not_run: the number of trials without an outcome.
        excluded: by the sentence that says why, how many trials were not judged.
        probed: the properties of the era that some trial shows.
        minimised: a disagreement in a form that is smaller than any of *disagreements*.
    """

    kernel: str
    programs: int
    not_run: int
    excluded: dict[str, int]
    disagreements: tuple[Disagreement, ...]
    era: Era
    probed: tuple[str, ...]
    minimised: Disagreement | None = None

    @property
    def agreements(self) -> int:
        """The number of trials whose outcome is what the decoder says."""
        return self.programs - sum(self.excluded.values()) - len(self.disagreements)

    @property
    def smallest(self) -> Disagreement | None:
        """The disagreement with the fewest ops, the first of these; None without one."""
        return self.minimised or min(
            self.disagreements, key=lambda one: (one.trial.size, one.number), default=None
        )


def judge(stored: Stored) -> Judgement:
    """Compare each outcome with what the decoder says, in the era that the outcomes show."""
    era, probed = era_of(stored)
    excluded: Counter[str] = Counter()
    disagreements = []
    for step in _steps(stored, era):
        if reason := exclusion(step.trial, step.scene):
            excluded[reason] += 1
        elif sentences := tuple(differences(step.expected, step.outcome)):
            disagreements.append(
                Disagreement(
                    number=step.number,
                    trial=step.trial,
                    history=stored.trials[step.first : step.number],
                    outcome=step.outcome,
                    differences=sentences,
                )
            )
    return Judgement(
        kernel=stored.kernel,
        programs=len(stored.outcomes),
        not_run=len(stored.trials) - len(stored.outcomes),
        excluded=dict(excluded),
        disagreements=tuple(disagreements),
        era=era,
        probed=probed,
    )


@attrs.frozen(kw_only=True)
class _Step:
    """
    An outcome and what should have happened.

    Args:
        first: the number of the first trial of its boot.
    """

    number: int
    first: int
    trial: Trial
    scene: Scene
    outcome: Outcome
    expected: Expected


def _steps(stored: Stored, era: Era) -> Iterator[_Step]:
    """Each outcome; consecutive trials of a scene share a boot until the guest is lost."""
    name, first, boots = "", 0, frozenset(stored.boots)
    for number, (trial, outcome) in enumerate(
        zip(stored.trials, stored.outcomes, strict=False)
    ):
        scene = stored.scenes[trial.scene]
        if trial.scene != name or number in boots:
            name, first, state = trial.scene, number, BootState(scene, era)
        yield _Step(
            number=number,
            first=first,
            trial=trial,
            scene=scene,
            outcome=outcome,
            expected=state.expected(trial),
        )
        if outcome.lost:
            name = ""


def era_of(stored: Stored) -> tuple[Era, tuple[str, ...]]:
    """
    The era of the KVM, and the properties that some outcome shows.

    A property that no outcome shows is that of a current kernel.
    """
    era, probed = Era(), []
    for name in PROPERTIES:
        value = _shown(stored, name, era)
        if value is not None:
            era = attrs.evolve(era, **{name: value})
            probed.append(name)
    return era, tuple(probed)


def _shown(stored: Stored, name: str, era: Era) -> bool | None:
    """The property *name* by the first outcome that fits only one of its values, or None."""
    with_it, without = (
        _steps(stored, attrs.evolve(era, **{name: value})) for value in (True, False)
    )
    for one, other in zip(with_it, without, strict=True):
        if one.expected == other.expected or exclusion(one.trial, one.scene):
            continue
        agrees, other_agrees = (
            not any(differences(step.expected, step.outcome)) for step in (one, other)
        )
        if agrees != other_agrees:
            return agrees
    return None


def differences(expected: Expected, outcome: Outcome) -> Iterator[str]:
    """Sentences on how *outcome* differs from what should have happened."""
    if outcome.lost:
        yield f"the guest was lost: {outcome.lost}"
        return
    hits, most, fewest = outcome.hits, expected.most, expected.fewest
    sentences = {
        "KVM does not interrupt {}": [key for key in most if key not in hits],
        "KVM interrupts {}": [key for key in hits if key not in most],
        "KVM interrupts {} too often": [key for key in most if hits.get(key, 0) > most[key]],
        "KVM interrupts {} too rarely": [
            key for key in fewest if 0 < hits.get(key, 0) < fewest[key]
        ],
    }
    for sentence, keys in sentences.items():
        if keys:
            yield sentence.format(_interrupts(keys))
    for place, (ending, other) in enumerate(
        zip(outcome.endings, expected.endings, strict=True)
    ):
        yield from _of_endings(place, ending, other)


def _interrupts(keys: Sequence[tuple[int, int]]) -> str:
    names = [f"CPU {cpu} by vector {vector:#x}" for cpu, vector in sorted(keys)]
    return shortened_list(names, _SHOWN)


def _of_endings(place: int, ending: Ending, expected: Ending) -> Iterator[str]:
    of = f"program {place}: " if place else ""
    if (ending.fault_vector, ending.fault_op) != (expected.fault_vector, expected.fault_op):
        yield f"{of}KVM: {_fault(ending)}; the decoder: {_fault(expected)}"
    if ending.returned != expected.returned:
        yield f"{of}KVM returns {ending.returned:#x}; the decoder {expected.returned:#x}"


def _fault(ending: Ending) -> str:
    if ending.fault_vector is None:
        return "no op raises an exception"
    return f"op {ending.fault_op} raises exception {ending.fault_vector}"
