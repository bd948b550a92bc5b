"""A small job of the model, for sessions with sites."""

from __future__ import annotations

from pvbench.delivery import Options
from pvbench.protocol import Job, Turn
from pvbench.run.prepared import prepare
from pvbench.testing.cases import case_of
from pvbench.testing.scenes import iterations, small_guests
from pvbench_deliver_model import Model
from support.helpers import DEADLINE_S, bundled


def job(delivery: str = "model") -> Job:
    """Two slices of a burst in a small guest."""
    guest = next(small_guests())
    stack = bundled().stack("x2apic-physical")
    prepared = prepare(case_of(stack, guest, *next(iterations(guest)), delivery="model"))
    return Job(
        delivery=delivery,
        delivery_module="pvbench_deliver_model",
        worker_data=Model().describe(Options()).worker_data,
        guest=prepared.case.guest,
        tasks=(prepared.task,),
        schedule=(Turn(0, 2, 1), Turn(0, 2, 1)),
        slice_s=None,
        deadline_s=DEADLINE_S,
    )
