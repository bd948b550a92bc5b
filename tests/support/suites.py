"""The bundled suites, expanded and checked once for all tests."""

from __future__ import annotations

from functools import cache

from pvbench.results.schema import case_name
from pvbench.run.cases import Selection, expand
from pvbench.run.plan import Plan
from pvbench.run.prepared import Prepared as Checked
from pvbench.run.request import PreparedRun, Request
from pvbench.suite import Case
from pvbench.topology import host_ids
from support.helpers import bundled
from support.sessions import prepared_run


@cache
def expanded(name: str) -> tuple[tuple[Case, ...], dict[str, str]]:
    """Cases of an unmodified suite, and its blocked cases with reasons."""
    cases, blocked = expand(bundled().table("suite")[name], Selection(), bundled(), host_ids())
    return tuple(cases), blocked


@cache
def ready_to_run(name: str) -> PreparedRun:
    """A run of a suite on the model after the static check."""
    request = Request(suite=bundled().table("suite")[name], selection=Selection(), pace="fast")
    return prepared_run(request, bundled())


def planned(name: str) -> Plan:
    """The plan of a run of the suite."""
    return ready_to_run(name).plan


def checked(name: str) -> list[Checked]:
    """Cases of a suite that can run, in the order of the plan."""
    by_name = {case.name: case for boot in planned(name).boots for case in boot.cases}
    return [by_name[case] for case in map(case_name, planned(name).cases) if case in by_name]
