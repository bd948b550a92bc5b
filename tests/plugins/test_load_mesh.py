"""mesh: many CPUs call one other CPU each, which is drawn for each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.ops import Burst
from support.helpers import bundled, burst_of, guest_of

DRAWN = [(1,), (3,), (3,), (0,), (1,), (1,)]


def bursts(spec: str, guest: Guest) -> tuple[Burst, ...]:
    """The bursts of an iteration, one for each source."""
    answer = bundled().workload(spec).bursts_in(guest)
    assert not isinstance(answer, str)
    return answer


def test_each_source_makes_a_call_to_one_cpu_and_waits() -> None:
    """With two CPUs there is nothing to draw."""
    expected = (
        burst_of("smp_call_function_single", 1, source=0, vector=0xFB, wait=True),
        burst_of("smp_call_function_single", 0, source=1, vector=0xFB, wait=True),
    )

    assert expected == bursts("mesh:2", guest_of(range(4)))


def test_the_draw_is_the_same_for_ever() -> None:
    """It is written out, so that another Python cannot change it unseen."""
    assert [burst.targets for burst in bursts("mesh:6:1", guest_of(range(6)))] == DRAWN


@given(st.integers(2, 40), st.integers(0, 9))
def test_every_cpu_calls_another_one_of_the_mesh(cpus: int, seed: int) -> None:
    """No CPU calls itself, and CPUs outside of the mesh take no part."""
    calls = bursts(f"mesh:{cpus}:{seed}", guest_of(range(41)))

    assert [burst.source for burst in calls] == [*range(cpus)]
    assert all(burst.targets != (burst.source,) for burst in calls)
    assert {cpu for burst in calls for cpu in burst.targets} <= {*range(cpus)}


def test_another_seed_is_another_mesh() -> None:
    """The seed is part of the workload's name, so it is stored with each result."""
    guest, workload = guest_of(range(32)), bundled().workload("mesh:32")

    assert bursts("mesh:32:2", guest) != bursts("mesh:32:1", guest)
    assert workload.spec == "mesh:32:1"


def test_cpus_that_are_offline_are_not_in_the_mesh() -> None:
    """It is one of the CPUs that are online."""
    guest = guest_of(range(4), offline=(1,))

    assert {b.source for b in bursts("mesh:3", guest)} == {0, 2, 3}


def test_a_mesh_needs_its_cpus() -> None:
    """Fewer than two CPUs are none anywhere."""
    assert bundled().workload("mesh:6").bursts_in(guest_of(range(5))) == "mesh:6 needs 6 CPUs"
    with pytest.raises(UsageError, match="1 CPUs are no mesh"):
        bundled().workload("mesh:1").bursts_in(guest_of(range(5)))
