"""IPIs of this machine; the tests are skipped with the reason if it cannot run `live`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pvbench.delivery import Options
from pvbench.testing.deliveries import check_run
from pvbench.topology import parse_guest
from pvbench_deliver_live import Live
from support.live import SPARE_ATTEMPTS, call, prepared_case
from support.require import skip_without
from support.runs import AddPlugin, Cli, journal_of

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
    """Skip the test with the delivery's reason if it is unavailable."""
    skip_without("live", Live().why_unavailable(), means=len(os.sched_getaffinity(0)) >= 2)


def process_state() -> tuple[set[int], set[threading.Thread], set[str]]:
    """CPUs this thread may use, threads and open files of this process."""
    return (
        os.sched_getaffinity(0),
        set(threading.enumerate()),  # the kernel may end a joined thread later
        {fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")},
    )


@pytest.mark.parametrize("source", [0, 1], ids=["from-the-first", "from-the-second"])
def test_ipis_of_this_machine_are_measured_and_proved(source: int) -> None:
    """Two CPUs interrupt each other; no thread or file is leaked."""
    guest, before = parse_guest("host"), process_state()
    case = prepared_case(call(1 - source, source=source), guest="host")
    description = Live().describe(Options())
    if reason := Live().why_unsupported(guest, case.task, description):
        pytest.skip(reason)

    with Live().boot(guest, description.worker_data) as booted:
        result = check_run(booted, case, loops=50, warmup=5)

    assert process_state() == before
    assert (result.target_state, set(result.distributions)) == ("running", {"ack", "wall"})
    assert int(result.facts["cal_rise"]) >= 50
    assert 0 < int(result.facts["null_ns"]) < result.distributions["ack"].median


def test_the_suite_runs_from_the_command_line(cli: Cli, add_plugin: AddPlugin) -> None:
    """Every case is ok, and the table shows the kernel's APIC driver."""
    patient = add_plugin("patient", PATIENT)
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

    output = cli("run", "live", *options)

    (boot,) = (entry for entry in journal_of(Path("a.json")) if "boot" in entry)
    assert (output.status, {case["outcome"] for case in boot["cases"].values()}) == (
        0,
        {"ok"},
    )
    assert "Source: IPIs of Linux" in output.out
    assert "targets running" in output.out


def test_a_suite_for_the_model_is_refused_with_the_missing_options(cli: Cli) -> None:
    """It does not measure anything else instead."""
    output = cli("run", "norov", "--delivery", "live", "--dry-run")

    assert output.status == 3
    assert "on this machine: add --sender kernel --guest host --targets running\n" in output.out


def test_a_worker_that_is_killed_leaves_no_spinner() -> None:
    """Spinners are threads, so they end with their process."""
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


def test_python_runs_while_threads_spin() -> None:
    """Spinners do not hold the interpreter's lock."""
    from pvbench_deliver_live.spinners import spinning

    others = sorted(os.sched_getaffinity(0))[1:2]
    with spinning(others):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        spinning_now = threading.active_count()

    assert spinning_now - threading.active_count() == 1
