"""The guest's interrupt handler: it tells an interrupt from one that cannot have come."""

from __future__ import annotations

from ctypes import CDLL, Structure, byref, c_uint32, c_uint64
from typing import NamedTuple

import pytest

from support.guest_native import TESTS, built

FIXED, NMI = 0xFB, 2
IF_FLAG = 1 << 9


class Effects(NamedTuple):
    """The effects of one interrupt of a halted CPU for which one function is queued."""

    runs: int
    impossible: int
    eois: int
    functions: int
    is_busy: int


class NativeEffects(Structure):
    """``struct effects`` of guest_native/interrupts.c."""

    _fields_ = [(name, c_uint32) for name in Effects._fields]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> CDLL:
    """target.c, compiled for this machine."""
    output = tmp_path_factory.mktemp("library") / "interrupts.so"
    options = ("-O2", "-shared", "-fPIC", "-fno-strict-aliasing")
    return CDLL(str(built(output, *options, TESTS / "guest_native/interrupts.c")))


@pytest.mark.parametrize(
    ("vector", "rflags", "effects"),
    [
        pytest.param(FIXED, IF_FLAG, Effects(1, 0, 1, 1, 1), id="interrupts-on"),
        pytest.param(FIXED, 0, Effects(0, 1, 0, 0, 0), id="interrupts-off"),
        pytest.param(FIXED, ~IF_FLAG, Effects(0, 1, 0, 0, 0), id="all-other-flags"),
        pytest.param(0x20, 0, Effects(0, 1, 0, 0, 0), id="lowest-vector"),
        pytest.param(0x13, IF_FLAG, Effects(1, 0, 1, 1, 1), id="vector-of-an-exception"),
        pytest.param(NMI, 0, Effects(1, 0, 0, 1, 1), id="nmi"),
    ],
)
def test_an_interrupt_that_comes_while_interrupts_are_off_is_only_counted(
    library: CDLL, vector: int, rflags: int, effects: Effects
) -> None:
    """It is no handler run and gets no EOI; an NMI may come at any time."""
    seen = NativeEffects()
    library.interrupt(c_uint64(vector), c_uint64(rflags), byref(seen))

    assert Effects(*(getattr(seen, name) for name in Effects._fields)) == effects
