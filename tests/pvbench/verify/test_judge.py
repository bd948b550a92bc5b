"""Outcomes of real kernels, and how they are compared with the decoder."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from pvbench.decode.era import Era
from pvbench.ops import Hypercall, IrqRestore, IrqSave, MmioWrite, Op, Scan, WriteMem, WrMsr
from pvbench.trials import Ending, Outcome
from pvbench.verify.exclusions import (
    DISABLED,
    EXCEPTION,
    OTHER_CALL,
    OTHER_MEMORY,
    OTHER_REGISTER,
    STATE_CHANGE,
    exclusion,
)
from pvbench.verify.judge import Judgement, judge
from pvbench.verify.stored import Stored, read
from pvbench.verify.trials import FIRST_SCENES, Trial

DATA = Path(__file__).parents[2] / "data" / "verify"
ICR, SELF_IPI = 0x830, 0x83F
XAPIC_ICR, XAPIC_ICR2 = 0xFEE0_0300, 0xFEE0_0310
OLD = Era(x2apic_icr_reserved_bits_gp=False, self_ipi_high_bits_gp=False)


def icr(low: int, destination: int = 1) -> WrMsr:
    """One x2APIC ICR write."""
    return WrMsr(ICR, destination << 32 | low)


def trial(scene: str, *ops: Op, source: int = 0) -> Trial:
    """A trial of one program."""
    return Trial(scene, [(source, ops)])


def outcome(
    *hits: tuple[int, int, int], returned: int = 0, fault: tuple[int, int] | None = None
) -> Outcome:
    """An outcome of one program, with hits as (CPU, vector, runs)."""
    runs = {(cpu, vector): count for cpu, vector, count in hits}
    return Outcome(runs, (Ending(returned, *(fault or ())),))


def judged(*pairs: tuple[Trial, Outcome]) -> Judgement:
    """The judgement of trials and their outcomes."""
    return judge(
        Stored(
            scenes=FIRST_SCENES,
            trials=tuple(one for one, _ in pairs),
            outcomes=tuple(other for _, other in pairs),
        )
    )


def differences(*pairs: tuple[Trial, Outcome]) -> list[tuple[str, ...]]:
    """The sentences of each disagreement."""
    return [one.differences for one in judged(*pairs).disagreements]


@pytest.mark.parametrize(
    ("name", "programs", "not_run", "era"),
    [
        ("raw-5.10-2", 492, 108, OLD),
        ("raw-6.1-2", 2000, 0, Era()),
        ("raw-6.12-2", 1500, 0, Era()),
        ("raw-6.18-2", 600, 0, Era()),
        ("raw-7.3-2", 1000, 0, Era()),
        ("verify-6.1.0-56-amd64-31", 402, 0, Era()),
        ("verify-6.1.0-56-amd64-71", 120, 0, Era()),
        ("verify-6.12.118+deb13-amd64-41", 702, 0, Era()),
        ("verify-7.3.4+deb13-amd64-42", 702, 0, Era()),
        ("verify-6.12.118+deb13-amd64-101", 500, 0, Era()),
        ("verify-6.1.0-56-amd64-102", 500, 0, Era()),
        ("verify-7.3.4+deb13-amd64-103", 500, 0, Era()),
        ("verify-6.12.118+deb13-amd64-104", 300, 0, Era()),
    ],
)
def test_the_decoder_agrees_with_every_stored_outcome_of_real_kvm(
    name: str, programs: int, not_run: int, era: Era
) -> None:
    """No program is excluded, and the era is that of the kernel."""
    judgement = judge(read(DATA / f"{name}.json.gz"))

    assert (judgement.programs, judgement.not_run) == (programs, not_run)
    assert (judgement.disagreements, judgement.excluded) == ((), {})
    assert judgement.era == era


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        pytest.param(outcome(), "KVM does not interrupt CPU 1 by vector 0x40", id="lost-ipi"),
        pytest.param(
            outcome((1, 0x40, 1), (2, 0x40, 1)),
            "KVM interrupts CPU 2 by vector 0x40",
            id="extra-cpu",
        ),
        pytest.param(
            outcome((1, 0x40, 2)), "KVM interrupts CPU 1 by vector 0x40 too often", id="twice"
        ),
        pytest.param(
            outcome((1, 0x40, 1), fault=(13, 0)),
            "KVM: op 0 raises exception 13; the decoder: no op raises an exception",
            id="fault",
        ),
        pytest.param(
            outcome((1, 0x40, 1), returned=1), "KVM returns 0x1; the decoder 0x0", id="returned"
        ),
        pytest.param(
            Outcome(lost="CPU 1 is gone"), "the guest was lost: CPU 1 is gone", id="lost-guest"
        ),
    ],
)
def test_a_difference_is_said_in_a_sentence(result: Outcome, sentence: str) -> None:
    """CPU 0 sends vector 0x40 to CPU 1."""
    assert differences((trial("x2", icr(0x40)), result)) == [(sentence,)]


def test_a_fault_must_be_raised_by_the_op_that_the_decoder_names() -> None:
    """A scan is no op of the guest, so it is not counted."""
    program = trial("x2", Scan(3), icr(0x40), icr(0x20_0000 | 0x41))

    assert differences((program, outcome((1, 0x40, 1), fault=(13, 1)))) == []
    assert len(differences((program, outcome((1, 0x40, 1), fault=(13, 0))))) == 1


def test_ipis_of_one_vector_to_another_cpu_may_coalesce() -> None:
    """From one run to one for each IPI, but no more."""
    program = trial("x2", icr(0x40), icr(0x40), icr(0x40))

    runs = [not differences((program, outcome((1, 0x40, n)))) for n in (1, 2, 3, 4)]

    assert runs == [True, True, True, False]


def test_ipis_to_oneself_are_handled_one_by_one() -> None:
    """The interrupt comes before the next op."""
    program = trial("x2", icr(0x40, 0), icr(0x40, 0))

    assert differences((program, outcome((0, 0x40, 2)))) == []
    assert differences((program, outcome((0, 0x40, 1)))) == [
        ("KVM interrupts CPU 0 by vector 0x40 too rarely",)
    ]


def test_ipis_to_oneself_coalesce_while_interrupts_are_disabled() -> None:
    """One run for each section; an NMI is not kept out."""
    section = (IrqSave(), icr(0x40, 0), icr(0x40, 0), icr(0x400, 0), icr(0x400, 0))
    program = trial("x2", *section, IrqRestore(), *section, IrqRestore())

    assert differences((program, outcome((0, 0x40, 2), (0, 2, 4)))) == []
    assert len(differences((program, outcome((0, 0x40, 4), (0, 2, 4))))) == 1


@pytest.mark.parametrize(
    ("scene", "op", "reason"),
    [
        pytest.param("x2", icr(0x240), STATE_CHANGE, id="smi"),
        pytest.param("x2", icr(0x540), STATE_CHANGE, id="init"),
        pytest.param("x2", icr(0x11), EXCEPTION, id="vector-of-an-exception"),
        pytest.param("x2", WrMsr(SELF_IPI, 0x1E), EXCEPTION, id="self-ipi"),
        pytest.param("x2", WrMsr(0x80B, 0), OTHER_REGISTER, id="eoi"),
        pytest.param("x2", MmioWrite(XAPIC_ICR, 0x40), OTHER_REGISTER, id="xapic-page-is-off"),
        pytest.param("xa", MmioWrite(0xFEE0_00B0, 0), OTHER_REGISTER, id="xapic-eoi"),
        pytest.param("xa", MmioWrite(XAPIC_ICR, 0x540), STATE_CHANGE, id="xapic-init"),
        pytest.param("x2", Hypercall(11, (0,)), OTHER_CALL, id="sched-yield"),
        pytest.param("x2", Hypercall(10, (1, 0, 0, 0x540)), STATE_CHANGE, id="init-by-call"),
        pytest.param("hv", Hypercall(0x8, (0, 0)), OTHER_CALL, id="spin-wait"),
        pytest.param("hv", Hypercall(0xB, (0x5000, 0)), OTHER_MEMORY, id="other-memory"),
    ],
)
def test_a_program_whose_effect_is_not_decoded_is_excluded_with_a_reason(
    scene: str, op: Op, reason: str
) -> None:
    """Even if the guest is lost."""
    judgement = judged((trial(scene, op), Outcome(lost="it stopped")))

    assert (judgement.excluded, judgement.disagreements) == ({reason: 1}, ())
    assert judgement.agreements == 0


@pytest.mark.parametrize(
    ("ops", "reason"),
    [
        pytest.param((WrMsr(0x80F, 0xFF), WrMsr(0x80F, 0x1FF)), "", id="enabled-again"),
        pytest.param((icr(0x40), WrMsr(0x80F, 0xFF)), DISABLED, id="left-disabled"),
        pytest.param((WrMsr(0x80F, 0xFF),), "", id="only-disabled"),
        pytest.param((icr(0x140), WrMsr(0x80F, 0x1FF)), DISABLED, id="lowest-priority"),
        pytest.param(
            (Hypercall(10, (1, 0, 0, 0x340)), WrMsr(0x80F, 0x1FF)), DISABLED, id="remote-read"
        ),
        pytest.param((WrMsr(0x80F, 0x3FF),), OTHER_REGISTER, id="other-bits"),
    ],
)
def test_a_program_may_disable_its_apic_if_it_enables_it_again(
    ops: tuple[Op, ...], reason: str
) -> None:
    """The executor enables it only after a program that does no more than disable it."""
    assert exclusion(trial("x2", *ops), FIRST_SCENES["x2"]) == reason


def test_a_hyperv_call_sends_only_fixed_messages() -> None:
    """Its fourth argument is half of an XMM register, not an ICR word."""
    call = Hypercall(0x3_0015, (0x40, 0, 1, 0x340))

    assert exclusion(trial("hv", call, WrMsr(0x80F, 0x1FF)), FIRST_SCENES["hv"]) == ""


def test_other_cpus_may_not_send_while_an_apic_is_disabled() -> None:
    """Whether their IPIs are dropped depends on the time."""
    off_and_on = (MmioWrite(0xFEE0_00F0, 0xFF), MmioWrite(0xFEE0_00F0, 0x1FF))

    assert exclusion(Trial("xa", [(0, off_and_on)]), FIRST_SCENES["xa"]) == ""
    assert exclusion(Trial("xa", [(0, off_and_on), (1, ())]), FIRST_SCENES["xa"]) == DISABLED


def test_targets_may_have_a_disabled_apic() -> None:
    """They disable it before the others send fixed messages and NMIs."""
    scene, off = FIRST_SCENES["x2"], (WrMsr(0x80F, 0xFF),)
    reasons = [
        exclusion(Trial("x2", [(0, (op,)), (1, off), (2, off)]), scene)
        for op in (icr(0x40), icr(0x400), icr(0x140), MmioWrite(0xFEE0_00F0, 0xFF))
    ]

    assert reasons == ["", "", DISABLED, OTHER_REGISTER]


def test_a_disabled_target_handles_nmis_only() -> None:
    """In the next trial its APIC is enabled again, as that of every CPU."""
    to_two = (icr(0x40, 1), icr(0x40, 2), icr(0x400, 2))
    off = Trial("x2", [(0, to_two), (2, (WrMsr(0x80F, 0xFF),))])
    right = Outcome({(1, 0x40): 1, (2, 2): 1}, (Ending(), Ending()))
    wrong = attrs.evolve(right, hits={**right.hits, (2, 0x40): 1})
    later = trial("x2", icr(0x40, 2)), outcome((2, 0x40, 1))
    judgement = judged((off, right), later, (off, wrong))

    assert [one.number for one in judgement.disagreements] == [2]


def test_vectors_of_exceptions_are_excluded_only_for_fixed_messages() -> None:
    """An NMI ignores its vector, and others than 0x11, 0x15, 0x1d and 0x1e have handlers."""
    nmi = trial("x2", icr(0x411)), outcome((1, 2, 1))
    fixed = trial("x2", icr(0x10), icr(0x1F)), outcome((1, 0x10, 1), (1, 0x1F, 1))
    judgement = judged(nmi, fixed)

    assert (judgement.excluded, judgement.agreements) == ({}, 2)


def test_icr2_remains_from_program_to_program_of_a_boot() -> None:
    """Each CPU has its own; another scene or a lost guest means another boot."""
    write = trial("xa", MmioWrite(XAPIC_ICR2, 3 << 24))
    send = trial("xa", MmioWrite(XAPIC_ICR, 0x40))
    other_cpu = attrs.evolve(send, programs=[(1, send.programs[0][1])])
    lost = trial("xa", MmioWrite(XAPIC_ICR, 0x540))
    pairs = [
        (write, outcome()),
        (send, outcome((3, 0x40, 1))),
        (other_cpu, outcome((0, 0x40, 1))),
        (lost, Outcome(lost="INIT")),
        (send, outcome((0, 0x40, 1))),
        (write, outcome()),
        (trial("x2", icr(0x40)), outcome((1, 0x40, 1))),
        (send, outcome((0, 0x40, 1))),
    ]

    assert differences(*pairs) == []


def test_memory_does_not_remain_from_program_to_program() -> None:
    """The input pages are cleared before each."""
    page = 0x800_0000
    write = trial("hv", WriteMem(page, (0x40, 1)), Hypercall(0xB, (page, 0)))
    call = trial("hv", Hypercall(0xB, (page, 0)))

    assert differences((write, outcome((0, 0x40, 1))), (call, outcome(returned=3))) == []


def test_the_smallest_disagreement_has_the_fewest_ops() -> None:
    """It comes with the ICR2 that an earlier program of its CPU had left."""
    write = trial("xa", MmioWrite(XAPIC_ICR2, 3 << 24))
    long = trial("xa", MmioWrite(XAPIC_ICR, 0x40), MmioWrite(XAPIC_ICR, 0x41))
    short = trial("xa", MmioWrite(XAPIC_ICR, 0x40))

    smallest = judged((write, outcome()), (long, outcome()), (short, outcome())).smallest

    assert smallest is not None
    assert (smallest.number, smallest.trial) == (2, short)
    assert smallest.alone == trial(
        "xa", MmioWrite(XAPIC_ICR2, 3 << 24), MmioWrite(XAPIC_ICR, 0x40)
    )


def test_an_era_is_found_by_the_first_outcome_that_shows_it() -> None:
    """A later outcome of another era is a disagreement."""
    reserved = trial("x2", icr(0x20_0000 | 0x40))
    high = trial("x2", WrMsr(SELF_IPI, 1 << 32 | 0x40))
    ignored, raised = outcome((1, 0x40, 1)), outcome(fault=(13, 0))

    judgement = judged((reserved, outcome((4, 4, 1))), (reserved, ignored), (reserved, raised))

    assert (judgement.era, judgement.probed) == (
        Era(x2apic_icr_reserved_bits_gp=False),
        ("x2apic_icr_reserved_bits_gp",),
    )
    assert [one.number for one in judgement.disagreements] == [0, 2]
    assert judged((high, outcome((0, 0x40, 1)))).era == Era(self_ipi_high_bits_gp=False)
    assert judged((trial("x2", icr(0x40)), ignored)).probed == ()


def test_several_programs_of_a_trial_are_judged_together() -> None:
    """Their interrupts add up, and each has its own ending."""
    both = Trial("x2", [(0, (icr(0x40, 2),)), (1, (icr(0x40, 2), Hypercall(77, ())))])
    error = (1 << 64) - 1000
    result = Outcome({(2, 0x40): 2}, (Ending(), Ending(error)))
    wrong = Outcome({(2, 0x40): 2}, (Ending(error), Ending()))

    assert differences((both, result)) == []
    assert differences((both, wrong)) == [
        (
            f"KVM returns {error:#x}; the decoder 0x0",
            f"program 1: KVM returns 0x0; the decoder {error:#x}",
        )
    ]
