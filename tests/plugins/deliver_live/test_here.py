"""The real thing: this machine interrupts itself.  Skipped, and why, where it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pvbench.delivery import Options
from pvbench.guest import parse_guest
from pvbench.testing.deliveries import check_run
from pvbench_deliver_live import Live
from support.live import SPARE_ATTEMPTS, call, ready
from support.require import skip_without
from support.runs import Cli, Plant, journal_of

pytestmark = pytest.mark.usefixtures("busy_targets")

# The delivery under the conditions of `busy_targets`.
PATIENT = f"""
from pvbench.hookspecs import hookimpl
from pvbench_deliver_live import Live, this_kernel

this_kernel.SPARE_ATTEMPTS = {SPARE_ATTEMPTS}

class Patient(Live):
    name = "patient"

@hookimpl
def pvbench_deliveries():
    return [Patient()]
"""
SPIN_FOR_EVER = """
from pvbench_deliver_live.spinners import spinning
with spinning((max(__import__("os").sched_getaffinity(0)),)):
    print("spinning", flush=True)
    __import__("signal").pause()
"""


@pytest.fixture(autouse=True)
def needs_the_delivery() -> None:
    """With its own reason; two CPUs are all it takes."""
    skip_without("live", Live().why_unavailable(), means=len(os.sched_getaffinity(0)) >= 2)


def held() -> tuple[set[int], set[threading.Thread], set[str]]:
    """CPUs this thread may use, threads and open files of this process."""
    return (
        os.sched_getaffinity(0),
        set(threading.enumerate()),  # the kernel may end a joined thread later
        {fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")},
    )


@pytest.mark.parametrize("source", [0, 1], ids=["from-the-first", "from-the-second"])
def test_ipis_of_this_machine_are_measured_and_proved(source: int) -> None:
    """Both ways between two CPUs; nothing is left behind."""
    guest, before = parse_guest("host"), held()
    case = ready(call(1 - source, source=source), guest="host")
    description = Live().describe(Options())
    if reason := Live().why_unsupported(guest, case.task, description):
        pytest.skip(reason)

    with Live().boot(guest, description.worker_data) as booted:
        result = check_run(booted, case, loops=50, warmup=5)

    assert held() == before
    assert (result.target_state, set(result.ticks)) == ("running", {"ack", "wall"})
    assert int(result.facts["cal_rise"]) >= 50
    assert 0 < int(result.facts["null_ns"]) < result.distributions["ack"].p50


def test_the_suite_runs_from_the_command_line(cli: Cli, plant: Plant) -> None:
    """Every case is ok, and the table says what the kernel says."""
    patient = plant("patient", PATIENT)
    options = (
        "-p",
        patient,
        "--delivery",
        patient,
        "--fast",
        "--boots",
        "1",
        "-q",
        "-o",
        "a.json",
    )

    done = cli("run", "live", *options)

    (boot,) = (entry for entry in journal_of(Path("a.json")) if "boot" in entry)
    assert (done.status, {case["outcome"] for case in boot["cases"].values()}) == (0, {"ok"})
    assert "Source: IPIs of Linux" in done.out
    assert "targets running" in done.out


def test_a_suite_for_models_says_what_to_add(cli: Cli) -> None:
    """Instead of measuring something else."""
    done = cli("run", "norov", "--delivery", "live", "--dry-run")

    assert done.status == 3
    assert "on this machine: --sender kernel --guest host --targets running\n" in done.out


def test_a_worker_that_is_killed_leaves_no_spinner() -> None:
    """Spinners are threads: they end with their process, however it ends."""
    command = [sys.executable, "-c", SPIN_FOR_EVER]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "spinning\n"
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    assert [
        pid for pid in filter(str.isdigit, os.listdir("/proc")) if session(pid) == worker.pid
    ] == []


def session(pid: str) -> int:
    """Of a process; 0 if it has just ended."""
    try:
        return os.getsid(int(pid))
    except ProcessLookupError:
        return 0


def test_python_goes_on_while_threads_spin() -> None:
    """They hold no lock of the interpreter."""
    from pvbench_deliver_live.spinners import spinning

    others = sorted(os.sched_getaffinity(0))[1:2]
    with spinning(others):
        done = threading.Thread(target=int)
        done.start()
        done.join()
        spinning_now = threading.active_count()

    assert spinning_now - threading.active_count() == 1
