"""pairs: many CPUs call one other CPU each, at the same time."""

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


def calls(spec: str, guest: Guest) -> list[tuple[int, int]]:
    """(source, target) of each pair."""
    return [(burst.source, target) for burst in bursts(spec, guest) for target in burst.targets]


def guests(least: int) -> st.SearchStrategy[Guest]:
    """Guests of *least* CPUs and more, of any APIC IDs."""
    return id_tuples(60, (1 << 32) - 2).filter(lambda ids: len(ids) >= least).map(guest_of)


def test_each_source_makes_a_call_to_one_cpu_and_waits() -> None:
    """smp_call_function_single() with wait=1, on Linux's vector for it."""
    expected = (
        burst_of("smp_call_function_single", 2, source=0, vector=0xFB, wait=True),
        burst_of("smp_call_function_single", 3, source=1, vector=0xFB, wait=True),
    )

    assert expected == bursts("pairs:2:disjoint", guest_of(range(4)))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("pairs:1:disjoint", [(0, 1)], id="one-pair"),
        pytest.param("pairs:3:disjoint", [(0, 3), (1, 4), (2, 5)], id="three-pairs"),
        pytest.param("pairs:1:ring", [(0, 1)], id="a-ring-of-one-is-a-pair"),
        pytest.param("pairs:2:ring", [(0, 1), (1, 0)], id="two-call-each-other"),
        pytest.param("pairs:3:ring", [(0, 1), (1, 2), (2, 0)], id="ring-of-three"),
        pytest.param(
            "pairs:6:ring",
            [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)],
            id="the-whole-guest",
        ),
    ],
)
def test_pairs_match_those_worked_out_by_hand(
    spec: str, expected: list[tuple[int, int]]
) -> None:
    """A kernel uses CPU numbers, independent of the APIC IDs."""
    assert expected == calls(spec, guest_of([40, 3, 77, 5, 1, 900]))


@given(guests(2), st.data())
def test_no_cpu_is_in_two_disjoint_pairs(guest: Guest, data: st.DataObject) -> None:
    """No CPU serves two sources, and no source is a target."""
    count = data.draw(st.integers(1, len(guest.apic_ids) // 2))

    taking_part = [cpu for pair in calls(f"pairs:{count}:disjoint", guest) for cpu in pair]

    assert (2 * count, 2 * count) == (len(taking_part), len(set(taking_part)))
    assert set(taking_part) <= set(guest.cpus)


@given(guests(2))
def test_the_most_disjoint_pairs_leave_at_most_one_cpu_idle(
    guest: Guest,
) -> None:
    """Half of the guest sends, the other half receives."""
    half = len(guest.apic_ids) // 2

    pairs = calls(f"pairs:{half}:disjoint", guest)

    assert {cpu for pair in pairs for cpu in pair} >= set(range(2 * half))


@given(guests(2), st.data())
def test_in_a_ring_each_source_calls_the_next_one(guest: Guest, data: st.DataObject) -> None:
    """The last source calls the first."""
    count = data.draw(st.integers(2, len(guest.apic_ids)))

    pairs = calls(f"pairs:{count}:ring", guest)

    assert pairs == [*zip(range(count - 1), range(1, count), strict=True), (count - 1, 0)]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param("pairs:3:disjoint", "pairs:3:disjoint needs 6 CPUs", id="disjoint"),
        pytest.param("pairs:6:ring", "pairs:6:ring needs 6 CPUs", id="ring"),
    ],
)
def test_a_guest_with_too_few_cpus_is_refused(spec: str, reason: str) -> None:
    """A disjoint pair needs two CPUs, a source of a ring one."""
    workload = bundled().workload(spec)

    assert reason == workload.bursts_in(guest_of(range(5)))
    assert not isinstance(workload.bursts_in(guest_of(range(6))), str)


def test_cpus_that_are_offline_are_in_no_pair() -> None:
    """The mesh is one of the CPUs that are online."""
    guest = guest_of(range(6), offline=(1, 4))

    assert calls("pairs:2:disjoint", guest) == [(0, 3), (2, 5)]
    assert calls("pairs:4:ring", guest) == [(0, 2), (2, 3), (3, 5), (5, 0)]
