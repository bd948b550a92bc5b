"""The conformance kit refuses faulty workloads and says where the fault is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.testing.workloads import check_workload
from pvbench.workload import Workload
from support.helpers import burst_of

BURST = burst_of("send_IPI_mask", 0)
TICKET = itertools.count()


def bad_value(guest: Guest, targets: int) -> tuple[Burst, ...]:
    raise UsageError(f"{targets} targets are too many")


def generated(guest: Guest) -> Any:
    yield BURST


def changing(guest: Guest) -> tuple[Burst, ...]:
    return (burst_of("send_IPI_mask", vector=0x20 + next(TICKET) % 2),)


@pytest.mark.parametrize(
    "bursts",
    [
        pytest.param(lambda guest: (BURST,), id="tuple"),
        pytest.param(lambda guest: [BURST], id="list"),
        pytest.param(generated, id="generator"),
    ],
)
def test_bursts_come_in_any_iterable(bursts: Callable[..., Any]) -> None:
    """A generator need not make bursts that are too many."""
    check_workload(Workload(name="test-load", summary="a test's", bursts=bursts))


@pytest.mark.parametrize(
    ("bursts", "sentence"),
    [
        pytest.param(lambda guest: 1 // 0, r"bursts\(\) raises ZeroDivisionError", id="raises"),
        pytest.param(lambda guest: None, r"bursts\(\) raises TypeError", id="none"),
        pytest.param(lambda guest: "", "returns an empty reason", id="empty-reason"),
        pytest.param(lambda guest: (4,), "it gives 4, which is not a Burst", id="no-burst"),
        pytest.param(changing, "two calls give different bursts", id="random"),
        pytest.param(
            lambda guest: (burst_of("send_IPI_mask", 1),),
            "it names CPU 1 in a guest of 1 CPUs",
            id="target",
        ),
        pytest.param(
            lambda guest: (burst_of("send_IPI_mask", source=4),),
            "it names CPU 4 in a guest of 1 CPUs",
            id="source",
        ),
        pytest.param(
            lambda guest: (BURST, BURST), "it has two bursts from CPU 0", id="one-source-twice"
        ),
    ],
)
def test_a_faulty_workload_is_refused_with_the_guest(
    bursts: Callable[..., Any], sentence: str
) -> None:
    """The sentence names the first guest that shows the fault."""
    with pytest.raises(AssertionError, match=f"^test-load on dense:1: .*{sentence}"):
        check_workload(Workload(name="test-load", summary="a test's", bursts=bursts))


def test_a_workload_that_interrupts_cpus_that_are_offline_is_refused() -> None:
    """It must ask for the CPUs that are online."""
    to_all = Workload(
        name="test-load",
        summary="a test's",
        bursts=lambda guest: (burst_of("send_IPI_mask", *guest.cpus),),
    )

    with pytest.raises(
        AssertionError, match=r"on dense:9\+offline:3,8: .* CPU 3, which is off"
    ):
        check_workload(to_all)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            {"bursts": lambda guest: "not here"},
            "test-load: it refuses every guest of up to 300 CPUs",
            id="nowhere",
        ),
        pytest.param(
            {"name": "a:b"},
            "workload a:b: the loader refuses it: workload 'a:b' has a colon, "
            "which separates parameters",
            id="colon",
        ),
        pytest.param(
            {"parameters": {"spread": "all"}},
            "workload test-load: the loader refuses it: the first parameter of test-load is "
            "'all', which is not a number",
            id="first-parameter",
        ),
        pytest.param(
            {"bursts": bad_value, "parameters": {"targets": 9}},
            "test-load:9 on dense:1: bursts() raises UsageError: 9 targets are too many",
            id="refuses-its-own-defaults",
        ),
    ],
)
def test_a_workload_that_no_guest_can_have_is_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    """A check without any case must not pass."""
    table: dict[str, Any] = {
        "name": "test-load",
        "summary": "a test's",
        "bursts": lambda guest: (),
    }

    with pytest.raises(AssertionError, match=f"^{re.escape(sentence)}$"):
        check_workload(Workload(**(table | changes)))


def first_of(guest: Guest, targets: int) -> tuple[Burst, ...] | str:
    """Correct bursts for up to eight targets."""
    if targets >= len(guest.online):
        return "too few CPUs"
    tenth = range(10, 10 + targets // 9)
    return (burst_of("send_IPI_mask", *guest.online[1 : targets + 1], *tenth),)


FAMILY = Workload(
    name="test-load", summary="a test's", bursts=first_of, parameters={"targets": 1}
)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param("9", "test-load:9 on ids:9-0: ", id="errs-there"),
        pytest.param(
            "x",
            "test-load:x: binding its values raises UsageError: targets of test-load is 'x', ",
            id="x",
        ),
        pytest.param(
            "1:2", "test-load:1:2: binding its values raises UsageError", id="too-many"
        ),
        pytest.param(
            "300", "test-load:300: it refuses every guest of up to 300 CPUs", id="too-big"
        ),
    ],
)
def test_given_values_of_a_family_are_checked(value: str, sentence: str) -> None:
    """An author gives values whose faults the defaults do not show."""
    with pytest.raises(AssertionError, match=f"^{re.escape(sentence)}"):
        check_workload(FAMILY, "8", value)


def test_a_workload_for_large_guests_is_checked_in_one() -> None:
    """The check includes a guest of `needs_cpus` CPUs."""
    workload = Workload(
        name="test-load",
        summary="a test's",
        bursts=lambda guest: (burst_of("send_IPI_mask", 1000),),
        needs_cpus=1001,
    )

    check_workload(workload)


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        pytest.param(
            lambda guest: [1, 1 // 0],
            r"test-load on dense:1: steps\(\) raises Zero",
            id="raises",
        ),
        pytest.param(lambda guest: ["x"], "targets of test-load is 'x', not a number", id="x"),
        pytest.param(lambda guest: [9], "test-load:9 on ids:9-0: ", id="errs-there"),
    ],
)
def test_the_steps_of_a_family_are_checked(steps: Callable[..., Any], sentence: str) -> None:
    """They are what a user gets who gives no value."""
    with pytest.raises(AssertionError, match=sentence):
        check_workload(attrs.evolve(FAMILY, steps=steps))
