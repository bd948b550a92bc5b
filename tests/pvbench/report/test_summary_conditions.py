"""Notes about conditions that differ from those in the name of a case."""

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
    """The notes below the tables of *suite*."""
    lines = text.render(summary(suite, []), 1000).splitlines()
    return [line for line in lines if line.startswith("Note: ")]


def notes(*rows: Row) -> list[str]:
    """The notes of a file with these rows."""
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
def test_a_case_that_meets_its_conditions_has_no_note(facts: dict[str, Any]) -> None:
    """Needless notes would hide the others."""
    assert notes(row(**facts), row(CLUSTER, **facts)) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            {"execution": "ops"}, f"Note: the ops of x2apic-physical {COMPUTED}", id="ops"
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
            {"patched_kvm": "yes"},
            "Note: x2apic-physical was never merged; a patched KVM serves the hypercall.",
            id="patched",
        ),
        pytest.param(
            STAND_IN,
            "Note: x2apic-physical was never merged, so the guest calls the merged "
            "KVM_HC_SEND_IPI with min 0.",
            id="stand-in",
        ),
    ],
)
def test_an_unmet_condition_is_noted(facts: dict[str, Any], expected: str) -> None:
    """There is one sentence, about the case that did not meet it."""
    assert notes(row(**facts), row(CLUSTER)) == [expected]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"execution": "ops"}, id="ops"),
        pytest.param({"overcommitted": "yes"}, id="over-committed"),
        pytest.param({"target_state_proved": "preempted"}, id="preempted"),
        pytest.param(STAND_IN, id="stand-in"),
    ],
)
def test_a_case_that_sends_nothing_has_no_note(facts: dict[str, Any]) -> None:
    """A dry run has neither ops nor targets."""
    dry = row(workload="dry-run", **(facts | {"targets": 0}))

    assert notes(dry, row()) == []


def test_cases_with_the_same_unmet_condition_share_a_note() -> None:
    """Stacks with the same workloads are named together, each once for all of its series."""
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


def test_each_replacement_of_a_hypercall_has_its_own_note() -> None:
    """Two senders were never merged and are called in two ways."""
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


def test_proposals_that_a_patched_kvm_serves_share_a_note() -> None:
    """They were called as they were proposed."""
    real = {"patched_kvm": "yes"}
    second = "kvm-pv-cluster192/x2apic-physical"

    assert notes(row(V3, **real), row(second, **real), row()) == [
        f"Note: {V3}, {second} were never merged; a patched KVM serves the hypercall."
    ]


def test_an_overcommitted_guest_is_noted_once() -> None:
    """The note is about the guest, not about each of its cases."""
    rows = [row(workload=f"w{number}", overcommitted="yes") for number in range(4)]

    assert notes(*rows) == [CROWDED]


@pytest.mark.parametrize("exactness", ["near-exact", "none"])
def test_an_emulated_machine_is_not_noted_as_overcommitted(exactness: str) -> None:
    """Its one CPU always runs all vCPUs, which its own notes say."""
    emulated = row(overcommitted="yes", exactness=exactness, clock="icount")

    assert CROWDED not in notes(emulated)


def test_a_note_is_below_the_tables_of_its_guest() -> None:
    """Each guest has its own tables."""
    large = row(guest="dense:8", vcpus=8, host_cpus=8, overcommitted="yes")
    printed = text.render(summary(suite_of(row(), large), []), 1000)

    assert printed.count(CROWDED) == 1
    assert printed.index("norov on dense:8") < printed.index(CROWDED)


def boots(*proved: str) -> pyperf.BenchmarkSuite:
    """One case whose targets had these proved states in its boots."""
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
def test_one_boot_with_another_state_is_noted(
    proved: tuple[str, ...], expected: list[str]
) -> None:
    """The median may come from that boot."""
    assert printed_notes(boots(*proved)) == [
        "Note: in broadcast of x2apic-physical targets were not always proved halted: "
        f"also {state}."
        for state in expected
    ]
