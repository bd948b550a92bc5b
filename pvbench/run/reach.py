"""The extra boots of `pvbench ab` that show whether the code under test is executed."""

from __future__ import annotations

from typing import Final, cast

from pvbench.errors import PvbenchError
from pvbench.protocol import Job, Turn
from pvbench.results import reach
from pvbench.run.boot import job_of
from pvbench.run.request import PreparedRun
from pvbench.site import Reach, Tracing

_LOOPS: Final = 10  # iterations of each case; all of them take the same path


def facts_of(prepared: PreparedRun, number: int, other: str) -> dict[str, str]:
    """
    The facts for results of the guest of boot *number*, about this side and the site *other*.

    The boot is not timed.  There are none if the site of this side does not trace.
    """
    if not hasattr(prepared.session, "reach"):
        return {}
    boot = prepared.boots[number]
    launch = prepared.launch_of(boot)
    job = _short(job_of(boot, launch))
    try:
        reached = cast("Tracing", prepared.session).reach(launch.hosts[0], job, other)
    except PvbenchError as error:
        reached = Reach(unknown=str(error).removesuffix("."))
    return reach.facts_of(reached) if reached else {}


def _short(job: Job) -> Job:
    """The same tasks, each in one short slice."""
    schedule = tuple(Turn(task, _LOOPS, 1) for task in range(len(job.tasks)))
    return job._replace(schedule=schedule, slice_s=None)
