"""Ops as words: the guest decodes the ops that the sender makes."""

from __future__ import annotations

import struct
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench import ops
from pvbench.delivery import Description, Task
from pvbench.dispatch import program
from pvbench.ops import (
    BARE_OPERATIONS,
    CSD_OPERATIONS,
    Cpuid,
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    KernelSend,
    MmioWrite,
    Op,
    Program,
    RdMsr,
    Scan,
    WaitIcrIdle,
    WriteMem,
    WrMsr,
)
from pvbench_deliver_kvm.delivery import CLOCK
from pvbench_deliver_kvm.measure.algorithms import DRIVERS, OVERLAYS
from pvbench_deliver_kvm.measure.encode import decode, encode
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.support import why_unsupported
from support.guest_native import OP_KINDS, decoded_ops
from support.helpers import CURRENT, ONE_TARGET, burst_of, guest_of, stack_of

U32 = st.integers(0, (1 << 32) - 1)
U64 = st.integers(0, (1 << 64) - 1)
WORDS = st.lists(U64, max_size=40).map(tuple)

EXAMPLES: dict[type[Op], st.SearchStrategy[Op]] = {
    IrqSave: st.just(IrqSave()),
    IrqRestore: st.just(IrqRestore()),
    Fence: st.just(Fence()),
    Scan: st.builds(Scan, U32),
    WrMsr: st.builds(WrMsr, U32, U64),
    MmioWrite: st.builds(MmioWrite, U64, U32),
    WriteMem: st.builds(WriteMem, U64, WORDS),
    WaitIcrIdle: st.builds(WaitIcrIdle, U32),
    Hypercall: st.builds(Hypercall, U64, WORDS),
    Cpuid: st.builds(Cpuid, U32, U32),
    RdMsr: st.builds(RdMsr, U32),
}
PROGRAMS = st.lists(st.one_of(*EXAMPLES.values()), max_size=30).map(tuple)

STACKS = [
    f"{overlay}/{driver}" if overlay else driver for overlay in OVERLAYS for driver in DRIVERS
]
OPERATIONS = [name for name in (*CSD_OPERATIONS, *BARE_OPERATIONS) if name not in ONE_TARGET]


def words(data: bytes) -> tuple[int, ...]:
    """The 64-bit little-endian words of a program."""
    return struct.unpack(f"<{len(data) // 8}Q", data)


@given(PROGRAMS)
def test_decoding_undoes_encoding(ops: Program) -> None:
    """For any values that ops may have, in any order."""
    assert decode(words(encode(ops))) == ops


@given(PROGRAMS)
def test_the_encoding_is_that_of_the_guest_s_header(ops: Program) -> None:
    """This reader is independent: kind and count, key, words; one word ends the program."""
    *body, end = words(encode(ops))

    assert (tuple(decoded_ops(body)), end) == (ops, OP_KINDS["OP_END"])


@given(PROGRAMS, WORDS)
def test_words_after_the_end_are_ignored(ops: Program, trailing: tuple[int, ...]) -> None:
    """A recorded program is read with the memory that follows it."""
    assert decode((*words(encode(ops)), *trailing)) == ops


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        pytest.param((), "0000000000000000", id="empty"),
        pytest.param(
            (IrqSave(), Scan(3), IrqRestore()),
            "0100000000000000 0000000000000000"
            "0400000000000000 0300000000000000"
            "0200000000000000 0000000000000000 0000000000000000",
            id="without-words",
        ),
        pytest.param(
            (WrMsr(0x830, 0x0102_0304_0506_0708),),
            "0501000000000000 3008000000000000 0807060504030201 0000000000000000",
            id="one-word",
        ),
        pytest.param(
            (Hypercall(10, (0, (1 << 64) - 1, 7, 0xFB)),),
            "0904000000000000 0a00000000000000 0000000000000000 ffffffffffffffff"
            "0700000000000000 fb00000000000000 0000000000000000",
            id="four-words",
        ),
        pytest.param(
            (WriteMem(0x800_0000, (0,) * 256),),
            "0700010000000000 0000000800000000" + "0000000000000000" * 257,
            id="more-words-than-a-byte-counts",
        ),
    ],
)
def test_a_program_is_little_endian_words(ops: Program, expected: str) -> None:
    """An op is kind | number of words << 8, key, words; OP_END is zero."""
    assert encode(ops).hex() == expected.replace(" ", "")


@pytest.mark.parametrize("name", STACKS)
def test_programs_of_bundled_senders_can_be_encoded(name: str) -> None:
    """Every operation is sent to several CPUs of two x2APIC clusters."""
    stack = stack_of(name)
    guest = stack.guest(guest_of((0, 1, 2, 40, 41)))
    bursts = [burst_of(operation, 1, 2, 3, 4) for operation in OPERATIONS]
    ops = [program(stack, burst, guest, linux=CURRENT).program for burst in bursts]

    assert [decode(words(encode(one_program))) for one_program in ops] == ops


def test_every_op_but_kernel_ipis_has_an_encoding() -> None:
    """A new op needs an encoding, or cases that use it must be refused."""
    assert {*get_args(ops.Op)} == {*EXAMPLES, KernelSend}


def test_a_kernel_ipi_has_no_encoding() -> None:
    """It names targets and no instruction that the guest could execute."""
    with pytest.raises(KeyError, match="KernelSend"):
        encode((Fence(), KernelSend(0xFB, (1,))))


def test_a_case_with_kernel_ipis_is_refused() -> None:
    """The reason is the mechanism of its sender, on every host."""
    task = Task(
        bursts=(burst_of("smp_call_function_many", 1),),
        programs=((KernelSend(0xFB, (1,)),),),
        reached=((1,),),
        program_for=lambda burst, cpus: (),
        mechanism="kernel",
    )
    description = Description(
        clock=CLOCK,
        limits={"max_vcpus": 8, "max_vcpu_id": 8, "usable_cpus": 8},
        worker_data=Settings(execution="ops", software=True, patience_s=1).encoded(),
    )

    assert (
        why_unsupported(guest_of((0, 1)), task, description)
        == "sender `kernel` needs a running Linux kernel: use --delivery live"
    )
