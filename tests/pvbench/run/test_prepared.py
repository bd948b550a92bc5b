"""Cases that are prepared for a plan, and how much a plan has room for."""

from __future__ import annotations

import pytest

from pvbench.errors import PlanLimitError
from pvbench.run.prepared import PlanRoom, prepare
from support.runs import broadcast, case_of

CASE = case_of("x2apic-physical", broadcast(0), broadcast(1))
OPS = 2 * 7  # of two broadcasts to three CPUs each


def test_a_prepared_case_takes_its_ops_from_the_room_of_the_plan() -> None:
    """The next case finds less room."""
    room = PlanRoom(ops=OPS + 5)

    prepared = prepare(CASE, room)

    assert sum(len(burst.program) for burst in prepared.bursts) == OPS
    assert room.ops == 5


def test_a_case_that_has_no_room_leaves_it_to_smaller_ones() -> None:
    """The sentence names the sender and the workload."""
    room = PlanRoom(ops=OPS - 1)

    with pytest.raises(
        PlanLimitError,
        match=r"^sender x2apic-physical cannot be planned with workload .*: "
        f"the plan has no room for more than {OPS - 1} ops of it$",
    ):
        prepare(CASE, room)
    assert room.ops == OPS - 1


def test_a_case_whose_ops_take_too_long_is_refused() -> None:
    """A sender has a limit for each burst, and here for all of them."""
    with pytest.raises(PlanLimitError, match=r"workload .*: its ops take longer than -1 s$"):
        prepare(CASE, PlanRoom(case_s=-1))
