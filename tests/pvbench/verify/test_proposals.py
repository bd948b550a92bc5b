"""Random calls of the proposals of 2018: their words, and that they can be judged."""

from __future__ import annotations

import pytest

from pvbench.decode.decoder import Decoder
from pvbench.ops import Hypercall
from pvbench.verify.exclusions import EXCEPTION, OTHER_CALL, exclusion
from pvbench.verify.generator import SCENES, Generator
from pvbench.verify.proposals import BITMAP_WORDS, SCENES_OF
from pvbench.verify.trials import Trial

each_abi = pytest.mark.parametrize("abi", BITMAP_WORDS)


def drawn(abi: str) -> list[Trial]:
    """Trials with the hypercalls of *abi*."""
    generator = Generator(seed=3, scenes=tuple(SCENES_OF[abi]))
    return [generator.trial(number) for number in range(300)]


def calls(abi: str) -> list[Hypercall]:
    """The calls of these trials."""
    ops = [op for trial in drawn(abi) for _, program in trial.programs for op in program]
    return [op for op in ops if isinstance(op, Hypercall)]


@each_abi
def test_calls_have_the_registers_of_the_abi_of_their_guest(abi: str) -> None:
    """Bitmap words, and one register for the vector and the cluster."""
    scenes = {trial.scene for trial in drawn(abi)}

    assert {SCENES[scene].guest.hypercall_abi for scene in scenes} == {abi}
    assert {SCENES[scene].guest.bits for scene in scenes} == {32, 64}
    assert {SCENES[scene].target_state for scene in scenes} == {"halted", "running"}
    assert {(op.nr, len(op.args)) for op in calls(abi)} == {(10, BITMAP_WORDS[abi] + 1)}


@each_abi
def test_clusters_and_bits_that_kvm_ignores_are_drawn(abi: str) -> None:
    """The first cluster, others, one of 24 bits; and bits above 31."""
    last = [op.args[-1] for op in calls(abi)]
    clusters = {word >> 8 & 0xFF_FFFF for word in last}

    assert {0, 1, 0xFF_FFFF} <= clusters
    assert len(clusters) > 20
    assert any(word >> 32 for word in last)


@each_abi
def test_guests_of_32_bits_get_ipis_across_the_words_of_a_cluster(abi: str) -> None:
    """The decoder finds two CPUs at least for one of the calls."""
    narrow = [trial for trial in drawn(abi) if SCENES[trial.scene].guest.bits == 32]
    ops = [op for trial in narrow for _, program in trial.programs for op in program]
    decoder = Decoder(SCENES[f"{abi}-b32"].guest, 0)
    reached = [
        len(send.cpus)
        for op in ops
        if isinstance(op, Hypercall)
        for send in decoder.sends((op,))
    ]

    assert max(reached) > 1


@each_abi
def test_nearly_every_trial_can_be_judged(abi: str) -> None:
    """The decoder knows the ABI."""
    reasons = [exclusion(trial, SCENES[trial.scene]) for trial in drawn(abi)]

    assert sum(map(bool, reasons)) < len(reasons) / 100


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        pytest.param(Hypercall(10, (1, 0, 0x1E)), EXCEPTION, id="exception"),
        pytest.param(Hypercall(10, (1, 0, 0x1_20)), "", id="cluster-1"),
        pytest.param(Hypercall(11, (1, 0, 0x1F)), OTHER_CALL, id="another-call"),
        pytest.param(Hypercall(77, (1, 0, 0x1F)), "", id="unknown-call"),
        pytest.param(Hypercall(10, ()), "", id="no-registers"),
    ],
)
def test_a_proposed_call_is_excluded_by_its_vector_or_its_number(
    op: Hypercall, expected: str
) -> None:
    """The other bits of the last register are a cluster, not a delivery mode."""
    trial = Trial("kvm-cluster128", [(0, (op,))])

    assert exclusion(trial, SCENES["kvm-cluster128"]) == expected
