"""Programs for Linux: their words, and the guests that are large enough."""

from __future__ import annotations

import pytest

from support.helpers import bundled, guest_of


@pytest.mark.parametrize(
    ("name", "specs"),
    [
        ("membarrier", ["membarrier:16:5000"]),
        ("madvise", ["madvise:16:1000"]),
        ("munmap", ["munmap:16:1000"]),
        ("hackbench", ["hackbench:4:2000"]),
        ("futex", ["futex:20000"]),
        ("pipe", ["pipe:20000"]),
    ],
)
def test_a_program_grows_with_its_guest(name: str, specs: list[str]) -> None:
    """A multicast reaches half of the CPUs, so Linux sends to a mask."""
    workloads = bundled().workloads(name, guest_of(range(32)))

    assert [workload.spec for workload in workloads] == specs
    assert all(workload.program == tuple(workload.spec.split(":")) for workload in workloads)
    assert workloads[0].bursts_in(guest_of(range(32))) == ()


@pytest.mark.parametrize(
    ("spec", "needed"),
    [("membarrier:3", 5), ("madvise:4", 5), ("munmap:4", 5)],
)
def test_a_bystander_has_a_cpu_of_its_own(spec: str, needed: int) -> None:
    """membarrier has a caller besides the CPUs that it interrupts."""
    name, _, value = spec.partition(":")
    workload = bundled().workload(name).bind([value])

    assert workload.bursts_in(guest_of(range(needed))) == ()
    assert f"{spec} needs {needed} CPUs" in workload.bursts_in(guest_of(range(needed - 1)))


@pytest.mark.parametrize("values", [["0", "1"], ["1", "0"]])
def test_hackbench_without_messages_is_refused(values: list[str]) -> None:
    """It would do nothing."""
    workload = bundled().workload("hackbench").bind(values)

    assert "needs a group" in workload.bursts_in(guest_of(range(8)))
