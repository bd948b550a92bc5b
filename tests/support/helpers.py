"""Builders and strategies that several tests share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import Sends
from pvbench.dispatch import Sent, program
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst, Hypercall, Op, Program
from pvbench.plugin.loader import load
from pvbench.plugin.registry import Registry
from pvbench.sender import Stack
from pvbench.slice_result import SliceResult

# How long a test waits for a process; long, so that no test fails on a busy machine.
DEADLINE_S = 600

NMI = 2
MSR_X2APIC_ICR = 0x830
XAPIC_ICR = 0xFEE0_0300
XAPIC_ICR2 = 0xFEE0_0310
INPUT_PAGE = 0x800_0000  # of CPU 0; each CPU has its own, 4 KiB apart

# Kernels: the first one with PV IPIs, one that sends broadcasts as masks, and current ones.
FIRST_PV = LinuxEra(version="4.19")
MASKS = LinuxEra(no_ipi_broadcast=True)
CURRENT = LinuxEra()
ON_AMD = LinuxEra(vendor="AMD")
ERAS = (FIRST_PV, LinuxEra(version="5.12"), MASKS, CURRENT, ON_AMD)

ONE_TARGET = ("send_IPI", "smp_call_function_single")
LINUX_VECTORS = (0xFB, 0xFC, 0xFD, 0xF6)


@cache
def bundled() -> Registry:
    """The bundled plugins without any others installed here; loaded once for all tests."""
    return load(own_only=True)


def stack_of(name: str) -> Stack:
    """A stack by its name, such as ``kvm-pv/x2apic-cluster``."""
    return bundled().stack(name)


def guest_of(ids: Iterable[int], **options: Any) -> Guest:
    """A guest with these APIC IDs in CPU-number order."""
    return Guest(name="a test's", apic_ids=tuple(ids), **options)


def burst_of(operation: str, *targets: int, source: int = 0, **options: Any) -> Burst:
    """A burst of CPU *source* to the CPUs *targets*."""
    return Burst(source=source, operation=operation, targets=targets, **options)


def sent(
    stack: str,
    burst: Burst,
    ids: Iterable[int],
    *,
    linux: LinuxEra = MASKS,
    bits: int = 64,
) -> Sent:
    """The ops that a guest with these APIC IDs executes for *burst*."""
    boot_stack = stack_of(stack)
    guest = boot_stack.guest(guest_of(ids, bits=bits))
    return program(boot_stack, burst, guest, linux=linux)


def masked(
    stack: str,
    ids: Iterable[int],
    *,
    vector: int = 0xFC,
    bits: int = 64,
    source_id: int = 5000,
    linux: LinuxEra = MASKS,
    operation: str = "send_IPI_mask",
) -> Program:
    """
    Ops of a multicast to CPUs with *ids*, in this order of CPU numbers.

    The source is an additional CPU with the highest number.
    """
    ids = tuple(ids)
    burst = burst_of(operation, *range(len(ids)), source=len(ids), vector=vector)
    all_ids = (*ids, source_id)
    return sent(stack, burst, all_ids, bits=bits, linux=linux).program


def only(kind: type[Op], ops: Program) -> list[Any]:
    """Ops of one kind, in program order."""
    return [op for op in ops if isinstance(op, kind)]


def call_args(ops: Program) -> list[tuple[int, ...]]:
    """Argument registers of each hypercall."""
    return [op.args for op in only(Hypercall, ops)]


def decode(ops: Iterable[Op], guest: Guest, source: int = 0) -> list[Sends]:
    """Interrupts that the hypervisor decodes from *ops*."""
    return Decoder(guest, source).sends(tuple(ops))


def hits(ops: Iterable[Op], guest: Guest, source: int = 0) -> list[tuple[int, int]]:
    """(vector, CPU number) of each interrupt, in delivery order."""
    return [
        (send.vector, cpu) for send in decode(ops, guest, source) for cpu in send.cpus.tolist()
    ]


def decoded(
    stack: Stack, burst: Burst, guest: Guest, *, linux: LinuxEra = MASKS
) -> list[tuple[int, int]]:
    """(vector, CPU number) of each interrupt that *burst* causes."""
    sending = program(stack, burst, guest, linux=linux)
    return hits(sending.program, guest, burst.source)


def dense_ids(max_cpus: int) -> st.SearchStrategy[tuple[int, ...]]:
    """IDs 0, 1, 2, ..."""
    return st.integers(1, max_cpus).map(lambda count: tuple(range(count)))


def descending_ids(max_cpus: int) -> st.SearchStrategy[tuple[int, ...]]:
    """IDs ..., 2, 1, 0."""
    return dense_ids(max_cpus).map(lambda ids: ids[::-1])


@cache
@st.composite
def sparse_ids(draw: st.DrawFn, max_cpus: int, top: int) -> tuple[int, ...]:
    """IDs with equal gaps from any first ID."""
    count = draw(st.integers(1, max_cpus))
    step = draw(st.integers(1, min(top // count, 300) or 1))
    first = draw(st.integers(0, max(0, top - count * step)))
    return tuple(range(first, first + count * step, step))


@cache
@st.composite
def interleaved_ids(draw: st.DrawFn, max_cpus: int, top: int) -> tuple[int, ...]:
    """Low and high IDs alternate: 0, 128, 1, 129, ..."""
    half = draw(st.integers(1, max(1, max_cpus // 2)))
    gap = draw(st.integers(half, max(half, min(top - half, 500))))
    ids = tuple(i // 2 + gap * (i % 2) for i in range(2 * half))
    return ids[:max_cpus]


@cache
@st.composite
def clumped_ids(draw: st.DrawFn, max_cpus: int, top: int) -> tuple[int, ...]:
    """IDs within a few windows of each other, in any order."""
    first = draw(st.integers(0, max(0, top - 400)))
    near = st.integers(first, min(top, first + 400))
    ids = draw(st.lists(near, min_size=1, max_size=min(max_cpus, 24), unique=True))
    return tuple(ids)


@cache
@st.composite
def scattered_ids(draw: st.DrawFn, max_cpus: int, top: int) -> tuple[int, ...]:
    """IDs without any pattern."""
    anywhere = st.integers(0, top)
    return tuple(draw(st.lists(anywhere, min_size=1, max_size=min(max_cpus, 12), unique=True)))


@cache  # a strategy is validated once
def id_tuples(max_cpus: int, top: int) -> st.SearchStrategy[tuple[int, ...]]:
    """APIC IDs of up to *max_cpus* CPUs, none above *top*."""
    return st.one_of(
        dense_ids(max_cpus),
        descending_ids(max_cpus),
        sparse_ids(max_cpus, top),
        interleaved_ids(max_cpus, top),
        clumped_ids(max_cpus, top),
        scattered_ids(max_cpus, top),
    )


@cache
def cpu_sets(count: int) -> st.SearchStrategy[tuple[int, ...]]:
    """A few of *count* CPUs, all but a few, or a contiguous range."""
    cpu = st.integers(0, count - 1)
    small_sets = st.sets(cpu, max_size=8)
    run = st.tuples(cpu, cpu).map(lambda ends: set(range(min(ends), max(ends) + 1)))
    but_few = st.sets(cpu, max_size=2).map(lambda out: set(range(count)) - out)
    return st.one_of(small_sets, run, but_few).map(lambda cpus: tuple(sorted(cpus)))


OPERATIONS = st.sampled_from((*CSD_OPERATIONS, *BARE_OPERATIONS))
USUAL_VECTORS = st.sampled_from((*LINUX_VECTORS, NMI))
VECTORS = st.one_of(USUAL_VECTORS, USUAL_VECTORS, st.integers(0x20, 0xFF))


@cache
@st.composite
def bursts(draw: st.DrawFn, count: int) -> Burst:
    """Any operation of any of *count* CPUs; Linux's vectors and NMI are more frequent."""
    operation = draw(OPERATIONS)
    source = draw(st.integers(0, count - 1))
    targets = draw(cpu_sets(count))
    if operation in ONE_TARGET:
        targets = (draw(st.integers(0, count - 1)),)
    return burst_of(operation, *targets, source=source, vector=draw(VECTORS))


@cache
@st.composite
def guests(draw: st.DrawFn, stack: Stack) -> Guest:
    """Guests that *stack* supports."""
    flat = stack.driver.name == "xapic-flat"
    top = {"x2apic-cluster": (1 << 20) - 1}.get(stack.driver.name, (1 << 31) - 1)
    if stack.driver.apic_mode == "xapic":
        top = 254
    ids = draw(id_tuples(8 if flat else 150, top))
    bits = draw(st.sampled_from((64, 64, 32)))
    guest = stack.guest(guest_of(ids, bits=bits))
    if stack.why_unsupported(guest, CURRENT):  # the overlays of 2018 are for 64-bit guests
        guest = stack.guest(guest_of(ids))
    return guest


def total_ticks(result: SliceResult) -> dict[str, int]:
    """The sum over all bursts of a slice, by series."""
    return {series: times.total for series, times in result.distributions.items()}
