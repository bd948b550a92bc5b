"""One boot: its job, the proof of its slices, and its outcome."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.delivery import Clock
from pvbench.ops import Fence, IrqRestore, IrqSave, Scan, WrMsr, to_rows
from pvbench.protocol import Answer, Turn, encode
from pvbench.run.boot import job_of
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from support.helpers import guest_of
from support.runs import prepared_of
from support.sessions import EXACT, NEAR_EXACT, NOISY
from support.told_worker import booted, launch_of, telling


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param(("halted", "halted", "halted"), "halted", id="as-asked-for"),
        pytest.param(("preempted", "halted", "halted"), "preempted", id="not-at-first"),
        pytest.param(("halted", "preempted", "halted"), "preempted", id="not-in-between"),
        pytest.param(("halted", "halted", "running"), "running", id="not-at-last"),
    ],
)
def test_targets_have_a_state_only_if_all_slices_prove_it(
    states: tuple[str, ...], expected: str
) -> None:
    """Every slice has a value."""
    report = booted("\n".join(telling(target_state=state) for state in states), slices=3)
    (case,) = report.cases

    assert case.result is not None
    assert (case.result.target_state, len(case.values["wall"])) == (expected, 3)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_every_slice_is_proved(wrong: int) -> None:
    """A slice that differs makes the case void, wherever it stands between honest ones."""
    slices = [telling(icr_writes=29 if number == wrong else 30) for number in range(3)]
    report = booted("\n".join(slices), slices=3)
    (case,) = report.cases

    assert case.values == {}
    assert case.outcome == Outcome(
        "void", "proof of mechanism failed: ICR writes 29 instead of 30"
    )


def test_the_counts_of_a_case_are_those_of_its_last_slice() -> None:
    """Earlier slices may have warmed up what the host keeps of a guest."""
    report = booted("\n".join(telling(exits=exits) for exits in (31, 30)), slices=2)
    (case,) = report.cases

    assert case.result is not None
    assert case.result.counts.exits == 30


def test_a_worker_gets_the_guest_the_ops_and_the_schedule() -> None:
    """A worker needs no plugin but its delivery."""
    report = booted("sys.exit(protocol.encode(job).strip())")
    _, _, message = report.outcome.reason.partition("status 1: ")
    boot = Boot(0, guest_of(range(4)), (prepared_of(),), (0,))
    expected = job_of(boot, launch_of(""))

    assert message == encode(expected).strip()
    assert expected.delivery == expected.delivery_module == "test-delivery"
    assert expected.worker_data == b"\0 data"
    assert expected.guest.apic_ids == (0, 1, 2, 3)
    assert expected.schedule == (Turn(0, 10, 5),)
    assert expected.slice_s is None
    assert to_rows(expected.tasks[0].programs[0]) == [
        ["Fence"],
        ["IrqSave"],
        ["Scan", 3],
        ["WrMsr", 0x830, 0x1_0000_00FC],
        ["WrMsr", 0x830, 0x2_0000_00FC],
        ["WrMsr", 0x830, 0x3_0000_00FC],
        ["IrqRestore"],
    ]


TWICE = "the emulator delivered an interrupt twice"


@pytest.mark.parametrize(
    ("slices", "outcome"),
    [
        pytest.param([{"host_faults": [TWICE]}, {}], Outcome("void", TWICE, True), id="first"),
        pytest.param([{}, {"host_faults": [TWICE]}], Outcome("void", TWICE, True), id="last"),
        pytest.param(
            [{"host_faults": [TWICE], "icr_writes": 31}] * 2,
            Outcome("void", TWICE, True),
            id="with-other-counts",
        ),
        pytest.param(
            [{"host_faults": [TWICE]}, {"icr_writes": 29}],
            Outcome("void", "proof of mechanism failed: ICR writes 29 instead of 30"),
            id="another-slice-is-wrong",
        ),
    ],
)
def test_a_slice_that_the_host_spoilt_says_nothing_about_the_sender(
    slices: list[dict[str, Any]], outcome: Outcome
) -> None:
    """The case is void because of the host, unless an honest slice contradicts the ops."""
    reports = "; ".join(telling(**changes) for changes in slices)
    (case,) = booted(reports, slices=2).cases

    assert (case.outcome, case.values) == (outcome, {})


@pytest.mark.parametrize(
    ("clock", "delays_us"),
    [(EXACT, [0, 0]), (NOISY, [0, 0]), (NEAR_EXACT, [137, 274])],
    ids=lambda case: getattr(case, "name", ""),
)
def test_each_near_exact_boot_of_a_guest_starts_at_another_time(
    clock: Clock, delays_us: list[int]
) -> None:
    """Boots that start at the same time would be equal by construction."""
    launch = attrs.evolve(launch_of(""), clock=clock)
    boots = [Boot(number, guest_of(range(4)), (prepared_of(),), (0,)) for number in (1, 2)]

    assert [job_of(boot, launch).start_delay_us for boot in boots] == delays_us


def test_a_worker_may_ask_for_the_ops_of_fewer_targets() -> None:
    """Where a call queue is not empty no IPI is sent; Linux 4.19 sends the rest as a mask."""
    report = booted(
        "tell({'kind': 'ask', 'task': 0, 'burst': 0, 'cpus': [2]})\n"
        "answer = protocol.decode(sys.stdin.readline())\n"
        "sys.exit(repr(answer))"
    )
    _, _, message = report.outcome.reason.partition("status 1: ")

    write = WrMsr(0x830, 0x2_0000_00FC)
    assert message == repr(Answer((Fence(), IrqSave(), Scan(1), write, IrqRestore())))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        pytest.param({"icr_writes": 29}, "ICR writes 29 instead of 30", id="icr-writes"),
        pytest.param({"hypercalls": 1}, "hypercalls 1 instead of 0", id="hypercalls"),
        pytest.param(
            {"handlers": [0, 10, 9, 10]},
            "handler runs on CPU 2: 9 instead of 10",
            id="an-ipi-lost",
        ),
    ],
)
def test_a_boot_without_proof_gives_no_number(wrong: dict[str, Any], reason: str) -> None:
    """A mismatch makes the sample void and names the difference."""
    measured = booted(telling(**wrong)).cases[0]

    assert measured.outcome == Outcome("void", f"proof of mechanism failed: {reason}")
    assert measured.values == {}
