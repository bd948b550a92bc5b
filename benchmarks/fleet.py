"""
A cluster of worker processes on this machine, beside one worker and beside no cluster.

    python benchmarks/fleet.py [--pairs 5] [--boots 60]

The first figure is the time of `pvbench run scale` with one worker divided by that with two,
which run in turn.  The second is the time of a boot on a worker beside that of a boot in a
process of this machine, also in turn.  Both are times that pass, so other load disturbs
them: the machine's load is printed beside them.

The targets: a ratio of at least 1.5 on two CPUs, and at most 30 ms more for a boot.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from distributed import LocalCluster

from pvbench.plugin.loader import load
from pvbench.protocol import Job
from pvbench.run.boot import job_of
from pvbench.run.cases import Selection
from pvbench.run.preparation import prepare, session_of
from pvbench.run.request import Request
from pvbench.site import Session, SiteOptions

_PVBENCH: Final = str(Path(sys.executable).with_name("pvbench"))
_SUITE: Final = "scale"


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """The name of a site with that many workers of one thread."""
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(n_workers=workers, **options) as started:
        yield f"dask:{started.scheduler_address}"


def run_s(site: str) -> float:
    """The time of a whole run at *site*, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = [_PVBENCH, "run", _SUITE, "-q", "-o", "a.json", "--site", site]
        began_s = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - began_s


def small_job() -> Job:
    """A boot of the model with one case, which takes hardly any time."""
    registry = load([])
    selection = Selection(
        senders=("x2apic-physical",), workloads=("normal-ipi",), guests=("dense:2",)
    )
    request = Request(suite=registry.suite("norov"), selection=selection, pace="fast")
    with session_of(request, registry) as session:
        prepared = prepare(request, registry, session)
    return job_of(prepared.plan.boots[0], prepared.launch_of(prepared.plan.boots[0]))


def boot_s(session: Session, job: Job) -> float:
    """The time of one boot, seconds."""
    began_s = time.perf_counter()
    with closing(session.boot(session.hosts[0], job)) as reports:
        list(reports)
    return time.perf_counter() - began_s


def speed_up(pairs: int) -> None:
    """Print how much faster two workers are than one."""
    with cluster(1) as one, cluster(2) as two:
        run_s(two)  # a worker imports what it needs once
        times = [(run_s(one), run_s(two)) for _ in range(pairs)]
    ratios = [one_s / two_s for one_s, two_s in times]
    one_s, two_s = (median(column) for column in zip(*times, strict=True))
    low, middle, high = quantiles(ratios, n=4)
    print(f"run {_SUITE}, one worker    {one_s:6.2f} s")
    print(f"run {_SUITE}, two workers   {two_s:6.2f} s")
    print(f"times as fast            {middle:6.2f}   ({low:.2f} to {high:.2f})")


def boots(count: int) -> None:
    """Print how much longer a boot takes on a worker than in a process here."""
    registry, options, job = load([]), SiteOptions(), small_job()
    with (
        cluster(1) as site,
        registry.site(site).session(options) as there,
        registry.site("local").session(options) as here,
    ):
        times = [(boot_s(here, job), boot_s(there, job)) for _ in range(count)]
    here_s, there_s = (median(column) for column in zip(*times[1:], strict=True))
    more_s = median(there_s - here_s for here_s, there_s in times[1:])
    print(f"a boot in a process here {here_s * 1e3:6.1f} ms")
    print(f"a boot on a worker       {there_s * 1e3:6.1f} ms")
    print(f"more for the cluster     {more_s * 1e3:6.1f} ms")


def main() -> None:
    """Print the figures, measured."""
    parser = argparse.ArgumentParser(description="Speed of a cluster on this machine.")
    parser.add_argument(
        "--pairs", type=int, default=5, help="runs with each cluster, at least 2 or 0 (5)"
    )
    parser.add_argument("--boots", type=int, default=60, help="boots at each place (60)")
    chosen = parser.parse_args()
    print(f"measured on {os.cpu_count()} CPUs at a load of {os.getloadavg()[0]:.1f}")
    if chosen.boots:
        boots(chosen.boots)
    if chosen.pairs:
        speed_up(chosen.pairs)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
