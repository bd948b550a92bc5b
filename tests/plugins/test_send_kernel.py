"""The sender `kernel`: whom a running kernel is asked to interrupt, and what it cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.ops import KernelSend
from pvbench.run.prepared import prepare
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Apic
from pvbench.testing.cases import case_of
from support.helpers import bundled, burst_of, guest_of, hits, sent, stack_of

SINGLE, MANY = "smp_call_function_single", "smp_call_function_many"
FOUR = guest_of(range(4))


@pytest.mark.parametrize("shorthands", [False, True])
@pytest.mark.parametrize(
    ("operation", "targets", "expected"),
    [
        pytest.param(SINGLE, (2,), KernelSend(0xFB, (2,)), id="single"),
        pytest.param(MANY, (2,), KernelSend(0xFB, (2,)), id="many-of-one"),
        pytest.param(MANY, (1, 2), KernelSend(0xFC, (1, 2)), id="some"),
        pytest.param(MANY, (0, 1, 2), KernelSend(0xFC, (1, 2)), id="itself-is-no-target"),
        pytest.param(MANY, (1, 2, 3), KernelSend(0xFC, (1, 2, 3)), id="all-others"),
    ],
)
def test_a_call_is_one_request_to_the_kernel(
    operation: str, targets: tuple[int, ...], expected: KernelSend, shorthands: bool
) -> None:
    """Vectors as Linux chooses them; how it is sent is not said, by shorthand or not."""
    burst = burst_of(operation, *targets)

    assert sent("kernel", burst, range(4), shorthands=shorthands).program == (expected,)


@pytest.mark.parametrize(
    ("shorthand", "expected"), [("self", [1]), ("all", [0, 1, 2, 3]), ("allbutself", [0, 2, 3])]
)
def test_its_table_is_complete(shorthand: str, expected: list[int]) -> None:
    """A driver has every callback, even if no burst gets there."""
    stack = stack_of("kernel")
    apic = Apic(stack, FOUR, 1, shorthands=True)

    ops = stack.driver.send_shorthand(apic, shorthand, 0xFC)

    assert hits(ops, FOUR, 1) == [(0xFC, cpu) for cpu in expected]


@pytest.mark.parametrize(
    ("operation", "targets", "options", "expected"),
    [
        pytest.param(
            "send_IPI_mask",
            (1,),
            {},
            "a program cannot ask a kernel for send_IPI_mask",
            id="bare",
        ),
        pytest.param(
            MANY, (1,), {"vector": 2}, "a program cannot ask a kernel for NMIs", id="nmi"
        ),
        pytest.param(
            MANY,
            (1,),
            {"vector": 0xFB},
            "a kernel chooses the vector of its function calls itself",
            id="vector",
        ),
        pytest.param(
            SINGLE,
            (0,),
            {},
            "a function call that reaches no other CPU sends no IPI",
            id="to-itself",
        ),
        pytest.param(
            MANY, (), {}, "a function call that reaches no other CPU sends no IPI", id="nobody"
        ),
        pytest.param(
            MANY,
            (1,),
            {"wait": False},
            "a program waits until the kernel's function calls are done",
            id="no-wait",
        ),
        pytest.param(
            MANY,
            (1,),
            {"lock": True},
            "the function that a kernel calls takes no lock",
            id="lock",
        ),
    ],
)
def test_what_no_program_can_ask_for_is_refused(
    operation: str, targets: tuple[int, ...], options: dict[str, Any], expected: str
) -> None:
    """One sentence each."""
    burst = burst_of(operation, *targets, **options)

    assert stack_of("kernel").sender.why_refused(burst, FOUR) == expected


@pytest.mark.parametrize("overlay", bundled().overlays)
def test_nothing_is_laid_over_a_running_kernel(overlay: str) -> None:
    """A hypercall of an overlay would be one the kernel never makes."""
    stack = stack_of(f"{overlay}/kernel")
    case = case_of(stack, FOUR, burst_of(MANY, 1, 2))

    expected = "a running kernel sends as it does: nothing can be laid over it"
    assert why_unsupported(case) == expected


def test_no_model_carries_it() -> None:
    """It has no kernel to run."""
    task = prepare(case_of(stack_of("kernel"), FOUR, burst_of(MANY, 1, 2))).task

    assert (
        bundled().deliveries["model"].why_unsupported(FOUR, task, {})
        == "a model runs no kernel"
    )
