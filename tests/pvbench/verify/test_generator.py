"""Random trials: what is drawn, and that a seed draws it again."""

from __future__ import annotations

from itertools import groupby, pairwise

from pvbench.ops import Hypercall, IrqRestore, IrqSave, MmioWrite, Op, WriteMem, WrMsr
from pvbench.sender import Stack
from pvbench.trials import disabled_by
from pvbench.verify.exclusions import exclusion
from pvbench.verify.generator import SCENES, USUAL_SCENES, Generator
from pvbench.verify.trials import Trial
from support.helpers import bundled

STACKS = [Stack(one) for one in bundled().drivers.values() if one.mechanism != "kernel"]
TRIALS = [Generator(seed=5, stacks=STACKS).trial(number) for number in range(1500)]


def ops(trials: list[Trial] = TRIALS) -> list[Op]:
    """All ops of the trials."""
    return [op for trial in trials for _, program in trial.programs for op in program]


def test_a_trial_depends_on_the_seed_and_its_number_only() -> None:
    """Others need not have been drawn before."""
    again = Generator(seed=5, stacks=STACKS)

    assert [again.trial(number) for number in (700, 3)] == [TRIALS[700], TRIALS[3]]
    assert Generator(seed=6, stacks=STACKS).trial(3) != TRIALS[3]


def test_every_scene_is_drawn_with_its_own_cpus() -> None:
    """Sources of a trial differ."""
    assert {trial.scene for trial in TRIALS} == set(USUAL_SCENES)
    for trial in TRIALS:
        sources = [source for source, _ in trial.programs]
        assert len(set(sources)) == len(sources)
        assert max(sources) in SCENES[trial.scene].guest.cpus


def test_nearly_every_trial_can_be_judged() -> None:
    """What is not decoded is hardly drawn."""
    reasons = [exclusion(trial, SCENES[trial.scene]) for trial in TRIALS]

    assert sum(map(bool, reasons)) < len(TRIALS) / 100


def test_sections_with_interrupts_disabled_end() -> None:
    """Otherwise the guest would not take its next command."""
    for trial in TRIALS:
        for _, program in trial.programs:
            depth = [isinstance(op, IrqSave) - isinstance(op, IrqRestore) for op in program]
            assert sum(depth) == 0


def disabled_in(trial: Trial) -> frozenset[int]:
    """The CPUs whose APIC is disabled before the source sends."""
    return disabled_by(trial.programs, SCENES[trial.scene].guest.apic_mode)


def senders(trial: Trial) -> int:
    """The number of programs that do more than disable an APIC."""
    return len(trial.programs) - len(disabled_in(trial))


def hyperv_forms() -> set[tuple[int, bool]]:
    """The code of each Hyper-V call that was drawn, and whether it is fast."""
    return {
        (op.nr & 0xFFFF, bool(op.nr >> 16 & 1))
        for trial in TRIALS
        if SCENES[trial.scene].guest.hypercall_abi == "hyperv"
        for op in ops([trial])
        if isinstance(op, Hypercall)
    }


def test_each_form_is_drawn() -> None:
    """Words of the ICR, windows, calls in every form, unknown calls, several sources."""
    all_ops = ops()
    icr_modes = {op.value >> 8 & 7 for op in all_ops if isinstance(op, WrMsr)}
    shorthands = {op.value >> 18 & 3 for op in all_ops if isinstance(op, WrMsr)}
    kvm_calls = {op.nr for op in all_ops if isinstance(op, Hypercall) and len(op.args) == 4}

    assert {0, 1, 3, 4, 6, 7} <= icr_modes
    assert shorthands == {0, 1, 2, 3}
    assert {10, 77, 1000, 1 << 40} <= kvm_calls
    assert {(0xB, False), (0xB, True), (0x15, False), (0x15, True)} <= hyperv_forms()
    assert {0x16, 0x77, 0x5C} <= {code for code, _ in hyperv_forms()}
    assert {senders(trial) for trial in TRIALS} == {1, 2, 3}
    assert {type(op) for op in all_ops} >= {WriteMem, MmioWrite, IrqSave}


def test_a_call_may_read_what_was_not_written() -> None:
    """The rest of an input page is zero."""
    programs = [program for trial in TRIALS for _, program in trial.programs]
    pairs = [pair for program in programs for pair in pairwise(program)]
    distances = {
        call.args[0] - write.address
        for write, call in pairs
        if isinstance(write, WriteMem) and isinstance(call, Hypercall)
    }

    assert distances == {0, 8, 256}


def test_vectors_of_exceptions_are_drawn() -> None:
    """But not those with an error code."""
    low = {op.value & 0xFF for op in ops() if isinstance(op, WrMsr) and op.msr == 0x830}

    assert 0x10 in low
    assert not {0x11, 0x15, 0x1D, 0x1E} & low


def test_vectors_repeat_within_a_program_now_and_then() -> None:
    """Only then may IPIs coalesce."""
    repeats = 0
    for op, others in groupby(ops(), lambda op: isinstance(op, WrMsr) and op.value & 0xFF):
        repeats += bool(op) and len(list(others)) > 1

    assert repeats > 10


def test_an_icr2_that_an_earlier_program_left_is_used_now_and_then() -> None:
    """A program may write the ICR only."""
    firsts = [
        next((op.address & 0xFFF for op in program if isinstance(op, MmioWrite)), 0)
        for trial in TRIALS
        for _, program in trial.programs
    ]

    assert {0x300, 0x310} <= set(firsts)


def test_tame_trials_are_register_writes_for_halted_targets() -> None:
    """They are fixed messages and NMIs with legal vectors, of one source."""
    generator = Generator(seed=1, tame=True)
    trials = [generator.trial(number) for number in range(500)]
    words = [
        op.value & 0xFFFF_FFFF
        for op in ops(trials)
        if (isinstance(op, WrMsr) and op.msr == 0x830)
        or (isinstance(op, MmioWrite) and op.address & 0xFFF == 0x300)
    ]

    assert not any(isinstance(op, Hypercall | WriteMem) for op in ops(trials))
    assert {word >> 8 & 7 for word in words} == {0, 4}
    assert not any(word >> 12 & 1 for word in words)
    assert min(word & 0xFF for word in words) >= 0x22
    assert {SCENES[trial.scene].target_state for trial in trials} == {"halted"}
    assert {len(trial.programs) for trial in trials} == {1}


def test_targets_disable_their_apics_before_a_source_sends() -> None:
    """Only one source sends then, and what it does is judged."""
    guests = {name: scene.guest for name, scene in SCENES.items()}
    trials = [trial for trial in TRIALS if disabled_in(trial)]

    assert len(trials) > 50
    assert {guests[trial.scene].apic_mode for trial in trials} == {"x2apic", "xapic"}
    for trial in trials:
        scene = SCENES[trial.scene]
        assert len(trial.programs) == 1 + len(disabled_in(trial))
        assert exclusion(trial, scene) == ""


def test_guests_of_32_bits_make_hypercalls() -> None:
    """The registers may have more bits, which KVM does not see."""
    calls = {
        SCENES[trial.scene].guest.hypercall_abi
        for trial in TRIALS
        if SCENES[trial.scene].guest.bits == 32
        for op in ops([trial])
        if isinstance(op, Hypercall)
    }

    assert calls == {"kvm", "hyperv"}
