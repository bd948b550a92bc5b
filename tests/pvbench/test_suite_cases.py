"""Names, metadata and bursts of cases."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.guest import HostIds
from pvbench.results import schema
from pvbench.results.schema import case_name
from pvbench.run.cases import Selection, expand
from pvbench.suite import Case, Suite
from support.helpers import bundled

SUITE = Suite(
    name="question",
    version=3,
    summary="for tests",
    workloads=("dry-run", "broadcast"),
    drivers=("x2apic-physical", "x2apic-cluster"),
    overlays=("kvm-pv",),
    guests=("4", "sparse:2:4"),
    linux=("4.19",),
)


def cases(suite: Suite = SUITE, **selected: Any) -> list[Case]:
    """The cases of a suite under a selection."""
    result, _ = expand(suite, Selection(**selected), bundled(), HostIds())
    return result


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        pytest.param(
            {},
            "question.broadcast kvm-pv/x2apic-cluster dense:4 halted linux-4.19 model@local "
            "measured",
            id="plain",
        ),
        pytest.param(
            {
                "bits": 32,
                "host_cpus": 2,
                "target_states": ("running",),
                "linux": ("6.12",),
                "delivery": "kvm",
                "site": "lab:6.9",
                "costs": "skylake",
            },
            "question.broadcast kvm-pv/x2apic-cluster dense:4/32-bit/on2 running linux-6.12 "
            "kvm@lab:6.9 skylake",
            id="everything-else",
        ),
    ],
)
def test_a_name_has_all_axes_of_a_case(selected: dict[str, Any], expected: str) -> None:
    """Two cases that differ have different names."""
    (case,) = cases(
        senders=("kvm-pv/x2apic-cluster",), workloads=("broadcast",), guests=("4",), **selected
    )

    assert expected == case_name(case)


@pytest.mark.parametrize(
    "selected",
    [
        pytest.param({}, id="the-suite-s-own"),
        pytest.param({"target_states": ("halted", "running")}, id="two-states"),
        pytest.param({"guests": ("4", "dense:4")}, id="one-guest-in-two-spellings"),
        pytest.param({"workloads": ("dry-run", "dry-run")}, id="one-workload-twice"),
        pytest.param({"drivers": ("x2apic-cluster", "x2apic-cluster")}, id="one-driver-twice"),
    ],
)
def test_case_names_are_unique(selected: dict[str, Any]) -> None:
    """Journals and refusals use the name as a key."""
    names = [case_name(case) for case in cases(**selected)]

    assert sorted(set(names)) == sorted(names)


def test_metadata_has_the_axes_of_a_case() -> None:
    """`compare` matches cases by metadata and never parses names."""
    (case,) = cases(
        senders=("kvm-pv/xapic-flat",),
        workloads=("broadcast",),
        guests=("sparse:3:4",),
        host_cpus=2,
    )

    assert schema.stored(schema.case_facts(case)) == {
        "pvbench_suite": "question",
        "pvbench_suite_version": 3,
        "pvbench_workload": "broadcast",
        "pvbench_sender": "kvm-pv",
        "pvbench_driver": "xapic-flat",
        "pvbench_stack": "kvm-pv/xapic-flat",
        "pvbench_guest": "sparse:3:4",
        "pvbench_apic_ids": "0,4,8",
        "pvbench_vcpus": 3,
        "pvbench_apic_mode": "xapic",
        "pvbench_hypercall_abi": "kvm",
        "pvbench_guest_bits": 64,
        "pvbench_host_cpus": 2,
        "pvbench_linux": "4.19",
        "pvbench_native_driver": "x2apic-physical",
        "pvbench_shorthands": "no",
        "pvbench_target_state": "halted",
        "pvbench_delivery": "model",
        "pvbench_site": "local",
        "pvbench_costs": "measured",
    }


@pytest.mark.parametrize(
    ("costs", "host_cpus"),
    [
        pytest.param("skylake-2018", 4, id="modelled"),
        pytest.param(None, None, id="measured"),
    ],
)
def test_a_native_case_has_one_modelled_host_cpu_per_vcpu(
    costs: str | None, host_cpus: int | None
) -> None:
    """The number of real host CPUs does not depend on the guest."""
    (case, *_) = cases(
        senders=("xapic-flat",), workloads=("dry-run",), guests=("4",), costs=costs
    )
    facts = schema.stored(schema.case_facts(case))

    assert (facts["pvbench_sender"], facts.get("pvbench_host_cpus")) == ("native", host_cpus)


def test_a_workload_too_large_for_the_guest_has_no_bursts() -> None:
    """It is a case with outcome unsupported and the reason."""
    (case,) = cases(senders=("x2apic-cluster",), workloads=("broadcast",), guests=("1",))

    assert case.bursts == ()


def test_bursts_are_those_of_the_workload_in_the_guest() -> None:
    """CPU 0 calls all other CPUs."""
    (case,) = cases(senders=("x2apic-cluster",), workloads=("broadcast",), guests=("4",))

    assert [(burst.source, burst.targets) for burst in case.bursts] == [(0, (1, 2, 3))]
