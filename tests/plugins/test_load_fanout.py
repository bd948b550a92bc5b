"""fanout: one call of CPU 0 to K targets, and which clusters these are in."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.topology import parse_guest
from support.helpers import bundled, burst_of, guest_of, id_tuples

SPREADS = ("packed", "spread", "random-0", "random-1", "random-20")
HIGHEST = (1 << 32) - 2  # of 32 bits, the last value being broadcast


def burst(spec: str, guest: Guest) -> Burst:
    """The one burst of an iteration."""
    bursts = bundled().workload(spec).bursts_in(guest)
    assert not isinstance(bursts, str)
    (single,) = bursts
    return single


def targets(spec: str, guest: Guest) -> tuple[int, ...]:
    """CPU numbers that are called."""
    return burst(spec, guest).targets


def per_cluster(cpus: tuple[int, ...], guest: Guest) -> Counter[int]:
    """How many of *cpus* lie in each cluster of 16 APIC IDs."""
    return Counter(guest.apic_ids[cpu] >> 4 for cpu in cpus)


@st.composite
def fanouts(draw: st.DrawFn) -> tuple[Guest, int]:
    """Guests of two CPUs and more, and how many targets."""
    ids = draw(id_tuples(150, HIGHEST).filter(lambda ids: len(ids) > 1))
    return guest_of(ids), draw(st.integers(1, len(ids) - 1))


def test_it_is_one_call_of_cpu_0_with_wait() -> None:
    """smp_call_function_many() with wait=1, on Linux's vector for it."""
    call = burst("fanout:3:packed", guest_of(range(4)))

    assert call == burst_of("smp_call_function_many", 1, 2, 3, vector=0xFC, wait=True)


@given(fanouts(), st.sampled_from(SPREADS))
def test_k_other_cpus_are_called_once_each(case: tuple[Guest, int], spread: str) -> None:
    """A mask names a CPU once, and a call to the own CPU sends no interrupt."""
    guest, count = case

    cpus = targets(f"fanout:{count}:{spread}", guest)

    assert (count, count) == (len(cpus), len(set(cpus) - {0}))
    assert set(cpus) <= set(guest.cpus)


@pytest.mark.parametrize(
    ("guest", "count", "clusters"),
    [
        pytest.param("dense:80", 1, 1, id="one"),
        pytest.param("dense:80", 15, 1, id="all-others-of-the-source-s-cluster"),
        pytest.param("dense:80", 16, 1, id="a-whole-cluster-of-others"),
        pytest.param("dense:80", 17, 2, id="one-more-than-a-cluster"),
        pytest.param("dense:80", 64, 4, id="four-whole-clusters"),
        pytest.param("dense:80", 65, 5, id="the-source-s-cluster-comes-last"),
        pytest.param("dense:80", 79, 5, id="all-others"),
        pytest.param("sparse:128:2", 8, 1, id="eight-in-a-sparse-cluster"),
        pytest.param("sparse:128:2", 9, 2, id="one-more-than-a-sparse-cluster"),
        pytest.param("sparse:8:16", 5, 5, id="clusters-of-one"),
        pytest.param("interleaved:130", 16, 1, id="cpu-numbers-of-a-cluster-are-not-adjacent"),
        pytest.param("interleaved:130", 112, 7, id="seven-whole-clusters-interleaved"),
        pytest.param("interleaved:130", 127, 8, id="seven-whole-clusters-and-the-source-s"),
        pytest.param("interleaved:130", 129, 10, id="all-others-interleaved"),
        pytest.param("ids:128-0", 16, 1, id="descending"),
        pytest.param("ids:128-0", 17, 2, id="one-more-descending"),
        pytest.param("ids:0,255-382", 112, 7, id="only-the-cluster-of-255-is-unused"),
        pytest.param("ids:0,255-382", 128, 9, id="all-others-from-255-on"),
        pytest.param("ids:0-15,1048576-1048591", 16, 1, id="2-to-the-20-is-another-cluster"),
        pytest.param("ids:0,4294967264-4294967279", 16, 1, id="near-the-highest-apic-id"),
    ],
)
def test_packed_targets_lie_in_as_few_clusters_as_possible(
    guest: str, count: int, clusters: int
) -> None:
    """A cluster is APIC ID >> 4; the source occupies one ID of its cluster."""
    booted = parse_guest(guest)

    assert clusters == len(per_cluster(targets(f"fanout:{count}:packed", booted), booted))


@given(fanouts())
def test_packed_targets_do_not_fit_in_fewer_clusters(case: tuple[Guest, int]) -> None:
    """One cluster fewer, even the fullest ones, has fewer than K other CPUs."""
    guest, count = case
    used = len(per_cluster(targets(f"fanout:{count}:packed", guest), guest))

    fullest = sorted(per_cluster(guest.others(0), guest).values(), reverse=True)

    assert sum(fullest[: used - 1]) < count


@pytest.mark.parametrize(
    ("guest", "count", "shares"),
    [
        pytest.param("dense:80", 1, [1], id="one"),
        pytest.param("dense:80", 2, [1, 1], id="two"),
        pytest.param("dense:80", 5, [1, 1, 1, 1, 1], id="one-in-each-cluster"),
        pytest.param("dense:80", 6, [2, 1, 1, 1, 1], id="a-second-one"),
        pytest.param("dense:80", 64, [13, 13, 13, 13, 12], id="even"),
        pytest.param("dense:80", 79, [16, 16, 16, 16, 15], id="all-others"),
        pytest.param("sparse:8:16", 5, [1, 1, 1, 1, 1], id="clusters-of-one"),
        pytest.param("interleaved:130", 10, [1] * 10, id="one-in-each-interleaved"),
        pytest.param("interleaved:130", 18, [2] * 8 + [1] * 2, id="two-clusters-have-one-only"),
        pytest.param("ids:128-0", 10, [2, 2, 1, 1, 1, 1, 1, 1], id="descending"),
        pytest.param("ids:0,255-382", 10, [2] + [1] * 8, id="from-255-on"),
        pytest.param("ids:0-3,1048576-1048579", 2, [1, 1], id="2-to-the-20-is-another-cluster"),
    ],
)
def test_spread_targets_lie_evenly_over_the_clusters(
    guest: str, count: int, shares: list[int]
) -> None:
    """Each cluster gets one target, then each gets a second one, and so on."""
    booted = parse_guest(guest)
    target_counts = per_cluster(targets(f"fanout:{count}:spread", booted), booted)

    assert shares == sorted(target_counts.values(), reverse=True)


@given(fanouts())
def test_spread_targets_cannot_be_more_even(
    case: tuple[Guest, int],
) -> None:
    """A cluster with two targets fewer than another has no CPU that is not a target."""
    guest, count = case
    cpu_counts = per_cluster(guest.others(0), guest)

    target_counts = per_cluster(targets(f"fanout:{count}:spread", guest), guest)

    maximum = max(target_counts.values())
    assert [
        c
        for c in cpu_counts
        if target_counts[c] < maximum - 1 and target_counts[c] < cpu_counts[c]
    ] == []


@pytest.mark.parametrize(
    ("spec", "cpus"),
    [
        pytest.param("fanout:4:random-0", (2, 9, 13, 14), id="seed-0"),
        pytest.param("fanout:4:random-1", (3, 4, 5, 9), id="seed-1"),
    ],
)
def test_a_seed_gives_the_same_targets_on_every_machine(
    spec: str, cpus: tuple[int, ...]
) -> None:
    """Results of different machines are compared with each other."""
    assert cpus == targets(spec, guest_of(range(20)))


def test_different_seeds_give_different_targets() -> None:
    """Ten masks of 10 among 79 CPUs differ, and none is the first ten CPUs."""
    guest = guest_of(range(80))
    masks = {targets(f"fanout:10:random-{seed}", guest) for seed in range(10)}

    assert (len(masks), tuple(range(1, 11)) in masks) == (10, False)


def test_random_targets_include_every_cpu() -> None:
    """Over 40 seeds, every CPU but the source is called."""
    guest = guest_of(range(12))
    masks = [targets(f"fanout:3:random-{seed}", guest) for seed in range(40)]

    assert set().union(*masks) == set(range(1, 12))


@given(fanouts(), st.sampled_from(SPREADS))
def test_a_larger_fanout_contains_the_smaller_one(case: tuple[Guest, int], spread: str) -> None:
    """Only the number of targets changes along K, so that a crossover is meaningful."""
    guest, count = case
    fewer = targets(f"fanout:{max(1, count - 1)}:{spread}", guest)

    assert set(fewer) <= set(targets(f"fanout:{count}:{spread}", guest))


@pytest.mark.parametrize("spread", SPREADS)
def test_a_guest_needs_one_cpu_more_than_targets(spread: str) -> None:
    """The source is not a target."""
    workload = bundled().workload(f"fanout:8:{spread}")

    assert workload.bursts_in(guest_of(range(8))) == "fanout:8 needs 9 CPUs"


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        pytest.param(1, [1], id="no-other-cpu"),
        pytest.param(2, [1], id="one"),
        pytest.param(8, [1, 2, 4, 7], id="seven"),
        pytest.param(9, [1, 2, 4, 8], id="a-power-of-two"),
        pytest.param(80, [1, 2, 4, 8, 16, 32, 64, 79], id="the-suite"),
        pytest.param(320, [1, 2, 4, 8, 16, 32, 64, 128, 256, 319], id="large"),
    ],
)
def test_without_a_number_it_goes_up_to_all_other_cpus(cpus: int, expected: list[int]) -> None:
    """The number of targets doubles, and the last one is a broadcast."""
    members = bundled().workloads("fanout", guest_of(range(cpus)))

    assert [one.spec for one in members] == [f"fanout:{n}:packed" for n in expected]


def test_cpus_that_are_offline_are_no_targets() -> None:
    """The last step is all others that are online."""
    guest = guest_of(range(9), offline=(1, 2, 3))

    assert [one.spec for one in bundled().workloads("fanout:each:spread", guest)] == [
        *(f"fanout:{n}:spread" for n in (1, 2, 4, 5)),
    ]
    assert targets("fanout:5:packed", guest) == (4, 5, 6, 7, 8)
