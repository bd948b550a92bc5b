"""A cluster of two machines: timed boots, questions of workers, a worker that is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import attrs
import pytest

from pvbench.delivery import Task
from pvbench.ops import Program
from pvbench.protocol import Job, Report
from pvbench.results.files import read
from pvbench.results.rows import rows
from pvbench.run.boot import job_of
from pvbench.run.cases import Selection
from pvbench.run.request import Request
from pvbench.site import Session, SiteOptions
from pvbench.testing.sites import check_site
from pvbench_site_dask import Dask
from pvbench_site_local import Local
from support.fleet import Fleet, fleet
from support.helpers import bundled
from support.plugin_sources import delivery_around_the_model
from support.runs import console
from support.sessions import prepared_run

# A noisy delivery: results say which worker they are from, descriptions which machine.
MARKED = f"""
pvbench_api = 1
{
    delivery_around_the_model(
        "marked",
        noisy=True,
        after_slice="result = attrs.evolve(result, facts={'worker': os.environ['WORKER']})",
    )
}
of_the_model = Around.describe

def describe(self, options):
    note = f"described on {{os.environ['PVBENCH_HOST_ID']}}"
    return attrs.evolve(of_the_model(self, options), notes=(note,))

Around.describe = describe
"""
# What makes a worker another one: its Python has one more plugin.
METADATA = "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"
RUN = (
    *("run", "norov", "--fast", "--sender", "native", "--driver", "x2apic-physical"),
    *("--workload", "broadcast", "--vcpus", "3", "-o", "a.json"),
)


@pytest.fixture(scope="module")
def two_machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """
    Machine ``a`` has two workers, of which ``a2`` is for timed boots, and ``b`` has one.

    Another worker of ``b`` has other plugins.
    """
    folder = tmp_path_factory.mktemp("machines")
    (folder / "marked.py").write_text(MARKED)
    other = folder / "other/other-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text(METADATA)
    (other / "entry_points.txt").write_text("[pvbench]\nsend-other = other\n")
    preload = folder / "with_other.py"
    preload.write_text(f"import sys; sys.path.append({str(folder / 'other')!r})\n")

    def env(machine: str, name: str) -> dict[str, str]:
        lock = str(folder / f"{machine}.lock")
        return {"PVBENCH_HOST_ID": machine, "PVBENCH_LOCK": lock, "WORKER": name}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        with fleet(
            {"env": env("a", "a1")},
            {"env": env("a", "a2"), "resources": {"pvbench": 1}},
            {"env": env("b", "b1")},
            {"env": env("b", "b2"), "preload": [str(preload)]},
        ) as cluster:
            yield cluster


def test_timed_boots_run_on_each_machine_by_the_worker_that_is_for_them(
    two_machines: Fleet, tmp_path: Path
) -> None:
    """A worker with other plugins is named and not used; each machine describes itself."""
    words = (*RUN, "-p", "marked", "--delivery", "marked", "--boots", "2")
    output = console(*words, "--site", two_machines.site, cwd=tmp_path)
    assert output.returncode == 0, output.stderr
    series = rows(read(str(tmp_path / "a.json")))

    assert {
        (row.fact("host"), row.fact("worker"), row.fact("note_1"), len(row.boots_s))
        for row in series
    } == {("a", "a2", "described on a", 2), ("b", "b1", "described on b", 2)}
    assert "is not used: plugin send-other is other 1.0 there and missing here" in output.stderr
    assert "each of 2 hosts runs all boots: a (" in output.stderr


def test_an_exact_run_uses_all_machines_and_has_the_times_of_a_local_one(
    two_machines: Fleet, tmp_path: Path
) -> None:
    """A sweep does so too; the hosts are no axis."""
    sweep = ("--sweep", "costs.icr_write=1000,2000", "-q")
    there = console(*RUN, *sweep, "--site", two_machines.site, cwd=tmp_path)
    assert there.returncode == 0, there.stderr
    spread = rows(read(str(tmp_path / "a.json")))
    (tmp_path / "a.json").unlink()
    assert console(*RUN, *sweep, cwd=tmp_path).returncode == 0
    local = rows(read(str(tmp_path / "a.json")))

    assert [row.boots_s for row in spread] == [row.boots_s for row in local]
    assert {row.fact("host") for row in spread} == {None}


def contended() -> Job:
    """A boot of several sources, whose workers need ops that are not in the job."""
    request = Request(
        suite=bundled().suite("shootdown"),
        selection=Selection(senders=("x2apic-physical",), guests=("8",)),
        pace="fast",
    )
    prepared = prepared_run(request, bundled())
    boot = prepared.plan.boots[0]
    return job_of(boot, prepared.launch_of(boot))


def reports_of(session: Session, job: Job) -> list[Report]:
    """The reports on *job* of the first host."""
    with closing(session.boot(session.hosts[0], job)) as reports:
        return list(reports)


def test_a_worker_asks_its_manager_for_ops(two_machines: Fleet) -> None:
    """Through the cluster, with the results of a local worker."""
    job = contended()
    questions: list[tuple[int, ...]] = []

    def noted(task: Task, burst: int, cpus: tuple[int, ...]) -> Program:
        questions.append(cpus)
        return task.program_for(burst, cpus)

    tasks = [attrs.evolve(task, program_for=partial(noted, task)) for task in job.tasks]
    site = Dask().at(two_machines.site.removeprefix("dask:"))
    with site.session(SiteOptions()) as session:
        there = reports_of(session, job._replace(tasks=tuple(tasks)))
    with Local().session(SiteOptions()) as session:
        local = reports_of(session, job)

    assert there == local
    assert questions


def test_the_site_passes_the_checks_for_authors_of_sites(two_machines: Fleet) -> None:
    """Each machine is described and boots guests."""
    check_site(Dask(), two_machines.site.removeprefix("dask:"))
