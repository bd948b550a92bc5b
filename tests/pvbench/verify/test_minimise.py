"""Trials are made smaller as long as they fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pvbench.ops import Fence, Hypercall, IrqSave, Op, WrMsr
from pvbench.verify.minimise import minimised, smaller_trials
from pvbench.verify.trials import Trial

ICR = 0x830


def first(fails: Callable[[Trial], bool]) -> Callable[[Sequence[Trial]], Trial | None]:
    """The first trial that fails."""
    return lambda trials: next(filter(fails, trials), None)


def ops(trial: Trial) -> list[Op]:
    """All ops of a trial."""
    return [op for _, program in trial.programs for op in program]


def test_what_the_failure_does_not_need_is_dropped() -> None:
    """Sources, ops and bits are dropped; here it needs bit 15 of one ICR write."""

    def fails(trial: Trial) -> bool:
        return any(isinstance(op, WrMsr) and op.value >> 15 & 1 for op in ops(trial))

    trial = Trial(
        "x2",
        [
            (0, (Fence(), WrMsr(ICR, 0xFF))),
            (1, (IrqSave(), WrMsr(ICR, 7), WrMsr(ICR, 3 << 32 | 0xC0FC))),
        ],
    )

    assert minimised(trial, first(fails)) == Trial("x2", [(1, (WrMsr(ICR, 0x8000),))])


def test_arguments_of_a_hypercall_become_smaller_one_by_one() -> None:
    """The number stays, as it says which call it is."""

    def fails(trial: Trial) -> bool:
        return any(isinstance(op, Hypercall) and op.args[1] & 0x10 for op in ops(trial))

    trial = Trial("x2", [(0, (Hypercall(10, (0xFF, 0xFF, 5, 0xFC)),))])

    assert minimised(trial, first(fails)) == Trial(
        "x2", [(0, (Hypercall(10, (0, 0x10, 0, 0)),))]
    )


def test_a_trial_that_is_as_small_as_can_be_stays() -> None:
    """Nothing smaller fails."""
    trial = Trial("x2", [(0, (WrMsr(ICR, 3),))])

    assert minimised(trial, first(lambda one: False)) == trial


def test_smaller_trials_keep_a_source_and_an_op() -> None:
    """An empty program shows nothing."""
    trial = Trial("x2", [(0, (WrMsr(ICR, 1),))])

    assert list(smaller_trials(trial)) == [Trial("x2", [(0, (WrMsr(ICR, 0),))])]
    assert list(smaller_trials(Trial("x2", [(0, (Fence(),))]))) == []
