"""Runs of real guests in separate processes, and the resources that they leave."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from support.helpers import DEADLINE_S
from support.runs import buffered, command

Begin = Callable[..., subprocess.Popen[str]]

# A delivery of real guests.  A boot notes how many of the other runs were over then;
# boot number HOLD tells when its first slice is done, and waits to be let go.
HELD = """
import os
from contextlib import contextmanager
from pathlib import Path
from pvbench.hookspecs import hookimpl
from pvbench_deliver_kvm import KvmDelivery

class Held(KvmDelivery):
    name = "held"

    @contextmanager
    def boot(self, guest, worker_data):
        over = sum(book.read_text().count('"end"') for book in Path().glob("*.jsonl"))
        with open("boots", "a") as boots:
            boots.write(f"{over} ")
        with super().boot(guest, worker_data) as booted:
            yield BootedGuest(booted)

class BootedGuest:
    def __init__(self, booted):
        self.booted = booted
        self.hold = os.environ.get("HOLD") == str(len(Path("boots").read_text().split()))

    def load(self, task):
        return Loaded(self, self.booted.load(task))

class Loaded:
    def __init__(self, booted, task):
        self.booted, self.task = booted, task

    def run(self, *, loops, warmup):
        result = self.task.run(loops=loops, warmup=warmup)
        if self.booted.hold:
            self.booted.hold = False
            Path("begun").write_text("!")
            Path("go").read_text()
        return result

@hookimpl
def pvbench_deliveries():
    return [Held()]
"""
RUN = (
    *("run", "norov", "-p", "held", "--delivery", "held", "--vcpus", "2", "--fast", "-q"),
    *("-k", "normal-ipi", "--sender", "x2apic-physical", "--boots", "3"),
)


def begin(*options: str, **environment: str) -> subprocess.Popen[str]:
    """Start such a run in the current directory, in a session of its own."""
    return subprocess.Popen(
        command(*RUN, *options),
        env=buffered() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def members(session: int) -> list[int]:
    """Processes of a session that have not ended."""
    return [
        pid
        for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
        if _is_in(pid, session)
    ]


def _is_in(pid: int, session: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return False
    return fields[0] not in "ZX" and int(fields[3]) == session


def vcpus_of(pid: int) -> int:
    """How many vCPUs a process has."""
    folder = Path(f"/proc/{pid}/fd")
    opened = [os.readlink(folder / name) for name in os.listdir(folder)]
    return sum(name.startswith("anon_inode:kvm-vcpu:") for name in opened)


def result_after(
    run: subprocess.Popen[str], number: signal.Signals, *, group: bool = False
) -> tuple[int, str, str]:
    """Exit status, output and complaints of a run after a signal, its workers gone too."""
    workers = [os.pidfd_open(pid) for pid in members(run.pid) if pid != run.pid]
    try:
        (os.killpg if group else os.kill)(run.pid, number)
        out, err = run.communicate(timeout=DEADLINE_S)
        for worker in workers:
            select.select([worker], [], [], DEADLINE_S)
    finally:
        for worker in workers:
            os.close(worker)
    return run.returncode, out, err
