"""shootdown: several CPUs flush one address space at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.guest import Guest
from pvbench.ops import Burst
from support.helpers import bundled, burst_of, guest_of, id_tuples


def bursts(spec: str, guest: Guest) -> tuple[Burst, ...]:
    """The bursts of an iteration, one for each source."""
    answer = bundled().workload(spec).bursts_in(guest)
    assert not isinstance(answer, str)
    return answer


def calls(spec: str, guest: Guest) -> dict[int, tuple[int, ...]]:
    """Targets by source."""
    return {burst.source: burst.targets for burst in bursts(spec, guest)}


def test_each_source_makes_one_call_and_waits() -> None:
    """flush_tlb_multi() is smp_call_function_many() with wait=1."""
    expected = (
        burst_of("smp_call_function_many", 1, 2, source=0, vector=0xFC, wait=True),
        burst_of("smp_call_function_many", 0, 2, source=1, vector=0xFC, wait=True),
    )

    assert expected == bursts("shootdown:2:3", guest_of(range(4)))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("shootdown:1:2", {0: (1,)}, id="the-smallest"),
        pytest.param("shootdown:2:2", {0: (1,), 1: (0,)}, id="each-other"),
        pytest.param("shootdown:1:4", {0: (1, 2, 3)}, id="one-source-of-four"),
        pytest.param("shootdown:2:4", {0: (1, 2, 3), 1: (0, 2, 3)}, id="two-of-four"),
        pytest.param("shootdown:1:all", {0: (1, 2, 3, 4, 5)}, id="one-of-all"),
        pytest.param(
            "shootdown:3:all",
            {0: (1, 2, 3, 4, 5), 1: (0, 2, 3, 4, 5), 2: (0, 1, 3, 4, 5)},
            id="three-of-all",
        ),
    ],
)
def test_shootdowns_match_those_worked_out_by_hand(
    spec: str, expected: dict[int, tuple[int, ...]]
) -> None:
    """A kernel uses CPU numbers, independent of the APIC IDs."""
    assert expected == calls(spec, guest_of([40, 3, 77, 5, 1, 900]))


@given(
    id_tuples(60, (1 << 32) - 2).filter(lambda ids: len(ids) > 1).map(guest_of),
    st.data(),
)
def test_every_source_calls_all_others_of_the_address_space(
    guest: Guest, data: st.DataObject
) -> None:
    """Sources run the address space they flush and do not call themselves."""
    threads = data.draw(st.integers(2, len(guest.apic_ids)))
    sources = data.draw(st.integers(1, threads))

    targets = calls(f"shootdown:{sources}:{threads}", guest)

    spaces = {frozenset((source, *others)) for source, others in targets.items()}
    assert (sources, 1) == (len(targets), len(spaces))
    assert {len(others) for others in targets.values()} == {threads - 1}
    assert all(source not in others for source, others in targets.items())


@given(id_tuples(60, (1 << 32) - 2).filter(lambda ids: len(ids) > 1).map(guest_of))
def test_all_means_every_cpu_of_the_guest(guest: Guest) -> None:
    """The process has a thread on each CPU."""
    count = len(guest.apic_ids)

    assert calls("shootdown:1:all", guest) == calls(f"shootdown:1:{count}", guest)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param("shootdown:1:6", "shootdown:1:6 needs 6 CPUs", id="threads"),
        pytest.param("shootdown:6:all", "shootdown:6:all needs 6 CPUs", id="sources"),
        pytest.param("shootdown:6:6", "shootdown:6:6 needs 6 CPUs", id="both"),
    ],
)
def test_a_guest_smaller_than_the_address_space_is_refused(spec: str, reason: str) -> None:
    """Each thread runs on its own CPU, and each source is a thread."""
    workload = bundled().workload(spec)

    assert reason == workload.bursts_in(guest_of(range(5)))
    assert not isinstance(workload.bursts_in(guest_of(range(6))), str)


def test_an_address_space_runs_on_no_cpu_that_is_offline() -> None:
    """``all`` are those that are online; sources are the first of them."""
    guest = guest_of(range(5), offline=(1,))

    assert calls("shootdown:2:all", guest) == {0: (2, 3, 4), 2: (0, 3, 4)}
    assert bundled().workload("shootdown:1:5").bursts_in(guest) == (
        "shootdown:1:5 needs 5 CPUs"
    )
