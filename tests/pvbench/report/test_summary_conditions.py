"""What was measured otherwise than its name says is noted, and nothing else is."""

from __future__ import annotations

from typing import Any

import pyperf
import pytest

from pvbench.report import text
from pvbench.report.summary import summary
from pvbench.results.rows import Row
from support.runs import row_of, suite_of

NATIVE, CLUSTER, V3 = "x2apic-physical", "x2apic-cluster", "kvm-pv128-v3/x2apic-physical"
# As the delivery kvm tells them where all is well.
PLAIN = {
    "clock": "tsc",
    "delivery": "kvm",
    "costs": "measured",
    "execution": "algorithm",
    "overcommitted": "no",
    "guest": "dense:3",
    "vcpus": 3,
    "targets": 2,
    "icr_writes": 2.0,
}
COMPUTED = "were computed beforehand, not by the guest (ops)."
CROWDED = "Note: the guest has more vCPUs than this machine has CPUs for it."
STAND_IN: dict[str, Any] = {
    "stand_in": "the merged KVM_HC_SEND_IPI with min 0",
    "icr_writes": 0.0,
}


def row(stack: str = NATIVE, workload: str = "broadcast", **facts: Any) -> Row:
    """A measured case, each with a time of its own."""
    time_s = 1e-6 * (1 + sum(map(ord, stack + workload)) / 1000)
    return row_of(workload, stack, time_s, **(PLAIN | facts))


def printed_notes(suite: pyperf.BenchmarkSuite) -> list[str]:
    """The notes below its tables."""
    lines = text.render(summary(suite, []), 1000).splitlines()
    return [line for line in lines if line.startswith("Note: ")]


def notes(*rows: Row) -> list[str]:
    """Those of a file with these rows."""
    return printed_notes(suite_of(*rows))


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="measured"),
        pytest.param({"execution": None, "overcommitted": None}, id="what-no-model-says"),
        pytest.param({"target_state_proved": None}, id="nothing-proved"),
        pytest.param(
            {"target_state": "running", "target_state_proved": "running"}, id="running"
        ),
    ],
)
def test_where_all_is_as_it_says_there_is_no_note(facts: dict[str, Any]) -> None:
    """Or nobody would read them."""
    assert notes(row(**facts), row(CLUSTER, **facts)) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            {"execution": "ops"}, f"Note: the ops of x2apic-physical {COMPUTED}", id="replayed"
        ),
        pytest.param({"overcommitted": "yes"}, CROWDED, id="over-committed"),
        pytest.param(
            {"target_state_proved": "preempted"},
            "Note: in broadcast of x2apic-physical targets were not always "
            "proved halted: also preempted.",
            id="preempted",
        ),
        pytest.param(
            {"target_state": "running", "target_state_proved": "halted"},
            "Note: in broadcast of x2apic-physical targets were not always "
            "proved running: also halted.",
            id="halted-instead-of-running",
        ),
        pytest.param(
            STAND_IN,
            "Note: x2apic-physical was never merged, so the guest calls the merged "
            "KVM_HC_SEND_IPI with min 0.",
            id="stand-in",
        ),
    ],
)
def test_a_condition_that_is_missed_is_noted(facts: dict[str, Any], expected: str) -> None:
    """One sentence, about the one that missed it."""
    assert notes(row(**facts), row(CLUSTER)) == [expected]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"execution": "ops"}, id="replayed"),
        pytest.param({"overcommitted": "yes"}, id="over-committed"),
        pytest.param({"target_state_proved": "preempted"}, id="preempted"),
        pytest.param(STAND_IN, id="stand-in"),
    ],
)
def test_who_sends_nothing_misses_nothing(facts: dict[str, Any]) -> None:
    """A dry run has neither ops nor targets."""
    dry = row(workload="dry-run", **(facts | {"targets": 0}))

    assert notes(dry, row()) == []


def test_all_that_miss_a_condition_alike_are_named_in_one_note() -> None:
    """Stacks that share their workloads; every series of them counts once."""
    facts: dict[str, Any] = {"execution": "ops", "target_state_proved": "preempted"}
    rows = [
        row(stack, workload, series=series, **facts)
        for stack in (NATIVE, CLUSTER)
        for workload in ("normal-ipi", "broadcast")
        for series in ("send", "wall")
    ]

    assert notes(*rows) == [
        f"Note: the ops of x2apic-physical, x2apic-cluster {COMPUTED}",
        "Note: in normal-ipi, broadcast of x2apic-physical, x2apic-cluster targets were "
        "not always proved halted: also preempted.",
    ]


def test_each_stand_in_is_told_by_its_own_words() -> None:
    """Two senders that were never merged, called in two ways."""
    second = "kvm-pv-cluster128/x2apic-physical"
    instead = "the merged KVM_HC_SEND_IPI with min = 128 * cluster"
    sentences = notes(
        row(V3, **STAND_IN),
        row(second, icr_writes=0.0, stand_in=instead),
    )

    assert sentences == [
        f"Note: {V3} was never merged, so the guest calls {STAND_IN['stand_in']}.",
        f"Note: {second} was never merged, so the guest calls {instead}.",
    ]


def test_a_guest_is_over_committed_once() -> None:
    """It is about the guest, not about each of its cases."""
    rows = [row(workload=f"w{number}", overcommitted="yes") for number in range(4)]

    assert notes(*rows) == [CROWDED]


def test_a_note_stands_below_the_guest_it_is_about() -> None:
    """Guests have tables of their own."""
    large = row(guest="dense:8", vcpus=8, host_cpus=8, overcommitted="yes")
    printed = text.render(summary(suite_of(row(), large), []), 1000)

    assert printed.count(CROWDED) == 1
    assert printed.index("norov on dense:8") < printed.index(CROWDED)


def boots(*proved: str) -> pyperf.BenchmarkSuite:
    """One case, whose targets were proved to be this in boot after boot."""
    runs = [run for state in proved for run in _runs(row(target_state_proved=state))]
    return pyperf.BenchmarkSuite([pyperf.Benchmark(runs)])


def _runs(row: Row) -> list[Any]:
    (benchmark,) = suite_of(row)
    return list(benchmark.get_runs())


@pytest.mark.parametrize(
    ("proved", "expected"),
    [
        pytest.param(("halted", "halted"), [], id="never"),
        pytest.param(("halted", "preempted", "halted"), ["preempted"], id="in-one-boot"),
        pytest.param(
            ("preempted", "running", "halted"), ["preempted or running"], id="two-ways"
        ),
    ],
)
def test_one_boot_in_which_they_did_otherwise_is_enough(
    proved: tuple[str, ...], expected: list[str]
) -> None:
    """The median may come from that very boot."""
    assert printed_notes(boots(*proved)) == [
        "Note: in broadcast of x2apic-physical targets were not always proved halted: "
        f"also {state}."
        for state in expected
    ]
