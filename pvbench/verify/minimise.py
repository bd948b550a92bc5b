"""Make a trial smaller as long as its outcome still disagrees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs

from pvbench.ops import Op, Program
from pvbench.verify.trials import Trial

# The first of these trials that disagrees, or None.
FirstWrong = Callable[[Sequence[Trial]], Trial | None]

_ROUNDS: Final = 60


def minimised(trial: Trial, first_wrong: FirstWrong) -> Trial:
    """
    Drop sources, ops, arguments and bits of *trial*.

    Args:
        trial: its outcome disagrees.
        first_wrong: executes trials, each of which needs no other one.
    """
    for _ in range(_ROUNDS):
        smaller = first_wrong(list(smaller_trials(trial)))
        if smaller is None:
            return trial
        trial = smaller
    return trial


def smaller_trials(trial: Trial) -> Iterator[Trial]:
    """The trials that lack one thing of *trial*; those that lack most come first."""
    programs = trial.programs
    for place in range(len(programs)):
        if len(programs) > 1:
            yield attrs.evolve(trial, programs=programs[:place] + programs[place + 1 :])
    for place, (source, program) in enumerate(programs):
        for smaller in _smaller_programs(program):
            changed = (*programs[:place], (source, smaller), *programs[place + 1 :])
            yield attrs.evolve(trial, programs=changed)


def _smaller_programs(program: Program) -> Iterator[Program]:
    for place in range(len(program)):
        if len(program) > 1:
            yield program[:place] + program[place + 1 :]
    for place, op in enumerate(program):
        for smaller in _smaller_ops(op):
            yield (*program[:place], smaller, *program[place + 1 :])


def _smaller_ops(op: Op) -> Iterator[Op]:
    """The op with a smaller value in its last field; addresses and MSRs stay."""
    fields = attrs.fields_dict(type(op))
    if not fields:
        return
    name = list(fields)[-1]
    for value in _smaller_values(getattr(op, name)):
        yield attrs.evolve(op, **{name: value})


def _smaller_values(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for place, word in enumerate(value):
            for smaller in _smaller_words(word):
                yield (*value[:place], smaller, *value[place + 1 :])
    else:
        yield from _smaller_words(value)


def _smaller_words(word: int) -> Iterator[int]:
    """Zero, then *word* without one bit, the highest first."""
    if word & (word - 1):
        yield 0
    for bit in reversed(range(word.bit_length())):
        if word >> bit & 1:
            yield word & ~(1 << bit)
