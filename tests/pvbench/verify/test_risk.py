"""A KVM that can hang its machine executes register writes of one CPU only."""

from __future__ import annotations

import pytest

from pvbench.ops import Fence, Hypercall, IrqRestore, IrqSave, MmioWrite, Op, WriteMem, WrMsr
from pvbench.verify.generator import SCENES, Generator
from pvbench.verify.risk import is_tame
from pvbench.verify.trials import Trial

WRITE = WrMsr(0x830, 1 << 32 | 0x40)


def of(trial: Trial) -> bool:
    """Whether *trial* is tame in its scene."""
    return is_tame(trial, SCENES[trial.scene])


def test_every_tame_trial_that_is_drawn_is_tame() -> None:
    """Of those that are drawn without that restriction some are not."""
    tame, wild = Generator(seed=3, tame=True), Generator(seed=3)

    assert all(of(tame.trial(number)) for number in range(300))
    assert not all(of(wild.trial(number)) for number in range(300))


@pytest.mark.parametrize(
    ("scene", "op", "expected"),
    [
        pytest.param("x2", WRITE, True, id="fixed"),
        pytest.param("x2", WrMsr(0x830, 0x400), True, id="nmi"),
        pytest.param("x2", WrMsr(0x83F, 0x40), True, id="self"),
        pytest.param("xa", MmioWrite(0xFEE0_0310, 0x500), True, id="icr2"),
        pytest.param("xa", MmioWrite(0xFEE0_0300, 0x40), True, id="xapic"),
        pytest.param("x2", WrMsr(0x830, 0x140), False, id="lowest-priority"),
        pytest.param("x2", WrMsr(0x830, 0x500), False, id="init"),
        pytest.param("x2", WrMsr(0x80F, 0xFF), False, id="spiv"),
        pytest.param("x2", WrMsr(0x1B, 0), False, id="another-msr"),
        pytest.param("xa", MmioWrite(0xFEE0_0080, 0), False, id="another-address"),
        pytest.param("x2", Hypercall(10, (1, 0, 0, 0x40)), False, id="hypercall"),
        pytest.param("x2", WriteMem(0x800_0000, (1,)), False, id="memory"),
        pytest.param("x2run", WRITE, False, id="running-targets"),
    ],
)
def test_a_tame_program_writes_registers_that_send(scene: str, op: Op, expected: bool) -> None:
    """They send fixed messages and NMIs to halted CPUs."""
    assert of(Trial(scene, [(0, (Fence(), IrqSave(), op, IrqRestore()))])) is expected


def test_one_cpu_sends_in_a_tame_trial() -> None:
    """Others would run at the same time."""
    assert not of(Trial("x2", [(0, (WRITE,)), (1, (WRITE,))]))
