"""Faulty deliveries are detected by their own counts, and the fault is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from pvbench.run.prepared import Prepared, prepare
from pvbench.run.proof import differences
from pvbench.slice_result import Counts, PartialSend, SliceResult
from pvbench_deliver_model.engine import Engine
from support.loaded import Tampering
from support.model import call, case_of, cost_profile_of, cpus, mask


def prepared_for(stack: str) -> Prepared:
    """CPU 0 of six calls CPUs 1, 2 and 3."""
    return prepare(case_of(stack, cpus(6), call(0, 1, 2, 3)))


def plus(counts: tuple[int, ...], cpu: int, more: int) -> tuple[int, ...]:
    """The counts with that of one CPU changed."""
    return (*counts[:cpu], counts[cpu] + more, *counts[cpu + 1 :])


def changed(name: str, *steps: Any) -> Callable[[SliceResult], SliceResult]:
    """Tamper with one count: a value, or (CPU, how many more)."""

    def tamper(result: SliceResult) -> SliceResult:
        value = plus(getattr(result.counts, name), *steps) if len(steps) > 1 else steps[0]
        counts = attrs.asdict(result.counts) | {name: value}
        return attrs.evolve(result, counts=Counts(**counts))

    return tamper


def partly(*sends: PartialSend) -> Callable[[SliceResult], SliceResult]:
    """Report partial sends that did not happen."""
    return lambda result: attrs.evolve(result, partial=sends)


@pytest.mark.parametrize(
    ("tamper", "sentences"),
    [
        pytest.param(
            changed("handlers", 2, -1),
            ["handler runs on CPU 2: 1 instead of 2"],
            id="drops-a-handler-run",
        ),
        pytest.param(
            changed("handlers", (0,) * 6),
            ["handler runs on CPU 1: 0 instead of 2 (and on 2 more CPUs)"],
            id="drops-all",
        ),
        pytest.param(
            changed("handlers", 5, 1),
            ["handler runs on CPU 5: 1 instead of 0"],
            id="unexpected-cpu",
        ),
        pytest.param(
            changed("handlers", 3, 1),
            ["handler runs on CPU 3: 3 instead of 2"],
            id="double-run",
        ),
        pytest.param(
            changed("coalesced", 1, 1),
            ["handler runs on CPU 1: 3 instead of 2"],
            id="coalesced-beside-a-run",
        ),
        pytest.param(
            changed("functions", 1, -1),
            ["functions run on CPU 1: 1 instead of 2"],
            id="handler-without-its-function",
        ),
        pytest.param(changed("hypercalls", 1), ["hypercalls 1 instead of 2"], id="call-fewer"),
        pytest.param(changed("hypercalls", 0), ["hypercalls 0 instead of 2"], id="no-call"),
        pytest.param(changed("icr_writes", 6), ["ICR writes 6 instead of 0"], id="native"),
        pytest.param(changed("returned", 5), ["returned 5 instead of 6"], id="wrong-return"),
        pytest.param(changed("returned", -22), ["returned -22 instead of 6"], id="error"),
        pytest.param(
            partly(PartialSend(burst=0, cpus=(1, 2), times=1)),
            ["returned 6 instead of 5", "handler runs on CPU 3: 2 instead of 1"],
            id="partial-send-that-was-none",
        ),
        pytest.param(changed("icr_writes", None), [], id="unknown-is-not-judged"),
        pytest.param(changed("exits", 99), [], id="observed-is-not-judged"),
    ],
)
def test_a_faulty_delivery_is_detected(
    tamper: Callable[[SliceResult], SliceResult], sentences: list[str]
) -> None:
    """Every exact count must be equal; the first CPU that differs is named."""
    prepared = prepared_for("kvm-pv/x2apic-physical")
    booted = Tampering(Engine(prepared.case.guest, cost_profile_of()), tamper)

    result = booted.load(prepared.task).run(loops=2, warmup=1)

    assert sentences == differences(prepared, result)


def test_a_native_send_in_place_of_the_hypercall_is_detected() -> None:
    """A run of kvm-pv without a hypercall is never a sample."""
    pv, native = prepared_for("kvm-pv/x2apic-physical"), prepared_for("x2apic-physical")

    result = (
        Engine(native.case.guest, cost_profile_of()).load(native.task).run(loops=2, warmup=0)
    )

    assert differences(pv, result) == [
        "ICR writes 6 instead of 0",
        "hypercalls 0 instead of 2",
        "returned 0 instead of 6",
    ]


def test_a_loss_cannot_be_reported_as_coalescing_if_the_source_waits() -> None:
    """The interrupts of one source that waits for all targets never coalesce."""
    prepared = prepare(case_of("x2apic-physical", cpus(6), mask(0, 1, 2, 3)))
    engine = Engine(prepared.case.guest, cost_profile_of())

    lost = Tampering(Tampering(engine, changed("handlers", 1, -1)), changed("coalesced", 1, 1))
    result = lost.load(prepared.task).run(loops=2, warmup=1)

    assert differences(prepared, result)
