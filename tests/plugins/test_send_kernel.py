"""The sender `kernel`: the bursts that the running kernel can and cannot send."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.delivery import Options
from pvbench.linux_era import LinuxEra
from pvbench.ops import KernelSend
from pvbench.run.prepared import prepare
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Apic
from pvbench.testing.cases import case_of
from support.helpers import CURRENT, MASKS, bundled, burst_of, guest_of, hits, sent, stack_of

SINGLE, MANY = "smp_call_function_single", "smp_call_function_many"
FOUR = guest_of(range(4))


@pytest.mark.parametrize("linux", [MASKS, CURRENT], ids=["masks", "shorthands"])
@pytest.mark.parametrize(
    ("operation", "targets", "expected"),
    [
        pytest.param(SINGLE, (2,), KernelSend(0xFB, (2,)), id="single"),
        pytest.param(MANY, (2,), KernelSend(0xFB, (2,)), id="many-of-one"),
        pytest.param(MANY, (1, 2), KernelSend(0xFC, (1, 2)), id="some"),
        pytest.param(
            MANY, (0, 1, 2), KernelSend(0xFC, (1, 2)), id="the-source-is-not-a-target"
        ),
        pytest.param(MANY, (1, 2, 3), KernelSend(0xFC, (1, 2, 3)), id="all-others"),
    ],
)
def test_a_call_is_one_request_to_the_kernel(
    operation: str, targets: tuple[int, ...], expected: KernelSend, linux: LinuxEra
) -> None:
    """Linux chooses the vector; the op does not state how the IPI is sent."""
    burst = burst_of(operation, *targets)

    assert sent("kernel", burst, range(4), linux=linux).program == (expected,)


@pytest.mark.parametrize(
    ("shorthand", "expected"), [("self", [1]), ("all", [0, 1, 2, 3]), ("allbutself", [0, 2, 3])]
)
def test_every_callback_is_implemented(shorthand: str, expected: list[int]) -> None:
    """A driver has every callback, even those that no burst uses."""
    stack = stack_of("kernel")
    apic = Apic(stack, FOUR, 1, linux=CURRENT)

    ops = stack.driver.send_shorthand(apic, shorthand, 0xFC)

    assert hits(ops, FOUR, 1) == [(0xFC, cpu) for cpu in expected]


@pytest.mark.parametrize(
    ("operation", "targets", "options", "expected"),
    [
        pytest.param(
            "send_IPI_mask",
            (1,),
            {},
            "a program cannot make the kernel call send_IPI_mask",
            id="bare",
        ),
        pytest.param(
            MANY, (1,), {"vector": 2}, "a program cannot make the kernel send NMIs", id="nmi"
        ),
        pytest.param(
            MANY,
            (1,),
            {"vector": 0xFB},
            "the kernel chooses the vectors of function calls itself",
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
            MANY,
            (),
            {},
            "a function call that reaches no other CPU sends no IPI",
            id="no-targets",
        ),
        pytest.param(
            MANY,
            (1,),
            {"wait": False},
            "membarrier always waits until the function calls are done",
            id="no-wait",
        ),
        pytest.param(
            MANY,
            (1,),
            {"lock": True},
            "the function that membarrier calls takes no lock",
            id="lock",
        ),
    ],
)
def test_bursts_that_membarrier_cannot_send_are_refused(
    operation: str, targets: tuple[int, ...], options: dict[str, Any], expected: str
) -> None:
    """Each refusal has its own reason."""
    burst = burst_of(operation, *targets, **options)

    assert stack_of("kernel").sender.why_refused(burst, FOUR) == expected


@pytest.mark.parametrize("overlay", bundled().overlays)
def test_a_running_kernel_takes_no_overlay(overlay: str) -> None:
    """The running kernel would never execute the overlay's hypercalls."""
    stack = stack_of(f"{overlay}/kernel")
    case = case_of(stack, FOUR, burst_of(MANY, 1, 2))

    expected = "a running kernel sends its own way, so it cannot have an overlay"
    assert why_unsupported(case) == expected


def test_the_model_refuses_it() -> None:
    """The model has no kernel to run."""
    task = prepare(case_of(stack_of("kernel"), FOUR, burst_of(MANY, 1, 2))).task
    model = bundled().table("delivery")["model"]

    assert (
        model.why_unsupported(FOUR, task, model.describe(Options()))
        == "sender `kernel` needs a running Linux kernel: use --delivery live"
    )
