"""Validation of bursts, and ops in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from pvbench.ops import (
    Burst,
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    KernelSend,
    MmioWrite,
    Op,
    Scan,
    WaitIcrIdle,
    WriteMem,
    WrMsr,
    from_rows,
    to_dicts,
    to_rows,
)
from support.helpers import burst_of


@pytest.mark.parametrize(
    ("operation", "vector", "single"),
    [
        pytest.param("smp_call_function_single", 0xFB, 0xFB, id="call-single"),
        pytest.param("smp_call_function_many", 0xFC, 0xFB, id="call-many"),
        pytest.param("send_IPI", 0xFD, 0xFD, id="unicast-is-reschedule"),
        pytest.param("send_IPI_mask", 0xFC, 0xFC, id="mask"),
        pytest.param("send_IPI_mask_allbutself", 0xFC, 0xFC, id="mask-allbutself"),
        pytest.param("send_IPI_allbutself", 0xFC, 0xFC, id="allbutself"),
        pytest.param("send_IPI_all", 0xFC, 0xFC, id="all"),
        pytest.param("send_IPI_self", 0xFC, 0xFC, id="self"),
    ],
)
def test_an_operation_has_linux_s_vectors(operation: str, vector: int, single: int) -> None:
    """Only a function call to one CPU has its own vector."""
    burst = Burst(source=0, operation=operation)

    assert (vector, single) == (burst.vector, burst.single_vector)


def test_an_explicit_vector_is_kept_for_a_single_target() -> None:
    """Linux replaces only the default vector of function calls for one target."""
    burst = burst_of("smp_call_function_many", 1, vector=0x40)

    assert (burst.vector, burst.single_vector) == (0x40, 0x40)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        pytest.param("smp_call_function_single", "csd", id="call-single"),
        pytest.param("smp_call_function_many", "csd", id="call-many"),
        pytest.param("send_IPI", "bare", id="unicast"),
        pytest.param("send_IPI_mask", "bare", id="mask"),
        pytest.param("send_IPI_self", "bare", id="self"),
    ],
)
def test_only_function_calls_use_protocol_csd(operation: str, expected: str) -> None:
    """smp_call_function() queues, sends to CPUs with an empty list, and waits."""
    assert expected == burst_of(operation).protocol


def test_targets_are_ascending_like_a_cpumask() -> None:
    """The kernel visits CPUs in the order of their numbers."""
    assert burst_of("send_IPI_mask", 5, 1, 3).targets == (1, 3, 5)


@pytest.mark.parametrize("vector", [2, 0x20, 0xFF], ids=["nmi", "lowest", "highest"])
def test_valid_vectors_are_accepted(vector: int) -> None:
    """0x20..0xff are external interrupts, 2 is the NMI."""
    assert vector == burst_of("send_IPI", 1, vector=vector).vector


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param(
            {"vector": 0x1F},
            r"Burst\.vector is 31, not an int in 0x20\.\.0xff: .*CPU exceptions",
            id="exception-vector",
        ),
        pytest.param({"vector": 0x100}, r"Burst\.vector is 256", id="nine-bit-vector"),
        pytest.param({"vector": 2.0}, r"Burst\.vector is 2\.0", id="float-nmi"),
        pytest.param({"vector": True}, r"Burst\.vector is True", id="bool"),
        pytest.param({"operation": "send_ipi"}, r"Burst\.operation is 'send_ipi'", id="case"),
        pytest.param(
            {"targets": (1, 1)}, r"names a CPU twice, which a cpumask cannot", id="twice"
        ),
        pytest.param(
            {"targets": range(1 << 40)}, r"Burst\.targets has more than 65536", id="too-many"
        ),
        pytest.param(
            {"operation": "send_IPI", "targets": (1, 2)},
            r"Burst\.targets",
            id="unicast-to-two",
        ),
        pytest.param(
            {"operation": "smp_call_function_single", "targets": (1, 2)},
            r"Burst\.targets",
            id="single-call-to-two",
        ),
    ],
)
def test_a_burst_validates_its_fields(fields: dict[str, Any], message: str) -> None:
    """Later stages do not check again; send_IPI(int cpu, int vector) takes one CPU."""
    usual: dict[str, Any] = {"source": 0, "operation": "send_IPI_mask", "targets": (1,)}

    with pytest.raises(ValueError, match=message):
        Burst(**(usual | fields))


@pytest.mark.parametrize(
    ("make", "bits", "sentence"),
    [
        pytest.param(lambda n: WrMsr(0x830, n), 64, "WrMsr.value", id="value-of-an-msr"),
        pytest.param(lambda n: WrMsr(n, 0), 32, "WrMsr.msr", id="msr"),
        pytest.param(lambda n: MmioWrite(n, 0), 64, "MmioWrite.address", id="mmio-address"),
        pytest.param(lambda n: MmioWrite(0, n), 32, "MmioWrite.value", id="xapic-register"),
        pytest.param(lambda n: WriteMem(n, ()), 64, "WriteMem.address", id="address"),
        pytest.param(lambda n: WriteMem(0, (n,)), 64, "WriteMem.words", id="word"),
        pytest.param(lambda n: Hypercall(n, ()), 64, "Hypercall.nr", id="hypercall-number"),
        pytest.param(lambda n: Hypercall(0, (n,)), 64, "Hypercall.args", id="argument"),
        pytest.param(lambda n: KernelSend(n, ()), 8, "KernelSend.vector", id="vector"),
        pytest.param(lambda n: KernelSend(251, (n,)), 64, "KernelSend.cpus", id="kernel-cpu"),
        pytest.param(Scan, 32, "Scan.cpus", id="cpus-scanned"),
        pytest.param(WaitIcrIdle, 32, "WaitIcrIdle.limit", id="polls"),
    ],
)
def test_an_op_refuses_values_outside_its_register(
    make: Callable[[int], Op], bits: int, sentence: str
) -> None:
    """Other values are a bug of the sender, so the error is raised in the sender."""
    make((1 << bits) - 1)

    for value in (-1, 1 << bits):
        with pytest.raises(ValueError, match=re.escape(sentence) + " is .* has "):
            make(value)


ONE_OF_EACH = (
    IrqSave(),
    Fence(),
    Scan(3),
    WrMsr(0x830, (1 << 64) - 1),
    WaitIcrIdle(),
    WaitIcrIdle(1000),
    MmioWrite(0xFEE0_0300, 0x8FC),
    WriteMem(0x1_0000, (0xFC, 0, 5, 1, 4)),
    Hypercall(10, (1, 0, 0, 0xFC)),
    Hypercall(10, ()),
    IrqRestore(),
    KernelSend(0xFB, (1, 3)),
)


def test_every_op_is_unchanged_by_json() -> None:
    """A worker gets programs as JSON rows and must execute the same ops."""
    carried = json.loads(json.dumps(to_rows(ONE_OF_EACH)))

    assert from_rows(carried) == ONE_OF_EACH


def test_a_row_has_the_op_s_name_and_its_fields() -> None:
    """This is the format of jobs and of journals that exist already."""
    rows = to_rows((WrMsr(2096, 252), Hypercall(10, (1, 0)), Fence()))

    assert json.dumps(rows) == '[["WrMsr", 2096, 252], ["Hypercall", 10, [1, 0]], ["Fence"]]'


def test_dicts_name_the_fields() -> None:
    """`explain --json` prints them."""
    assert to_dicts([WrMsr(2096, 252)]) == [{"op": "WrMsr", "msr": 2096, "value": 252}]


def test_lists_become_tuples_inside_frozen_ops() -> None:
    """Ops made from lists and tuples are equal and hashable."""
    from_lists = {Hypercall(10, [1, 0]), WriteMem(0, [1])}

    assert {Hypercall(10, (1, 0)), WriteMem(0, (1,))} == from_lists
