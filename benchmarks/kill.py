"""
SIGKILL ends a manager at a random moment: three seconds later nothing of its run is left.

    python benchmarks/kill.py --kills 100 --delivery kvm

It prints how long the slowest process of a run lived on, and every run of which a process,
an open /dev/kvm or the lock of timed runs was left.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import attrs

LIMIT_S: Final = 3.0
_STEP_S: Final = 0.02
_LONGEST_RUN_S: Final = 3.0  # a run is killed within this time
_RUN: Final = (
    *("run", "norov", "--sender", "x2apic-physical", "-k", "normal-ipi", "--vcpus", "2"),
    *("--fast", "-q", "--boots", "1000", "-o", "a.json"),
)


@attrs.frozen
class Leftovers:
    """
    The processes and the lock that are left of a run.

    Args:
        lived_s: how long after the SIGKILL something was left, at most the limit.
        processes: IDs of processes that are alive.
        kvm: those of them that have /dev/kvm open.
        locked: the lock of timed runs is held.
    """

    lived_s: float
    processes: tuple[int, ...]
    kvm: tuple[int, ...]
    locked: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return not (self.processes or self.kvm or self.locked)


def kill(
    delivery: str, after_s: float, folder: Path, *plugins: str, limit_s: float = LIMIT_S
) -> Leftovers:
    """
    Start a run in *folder*, kill its manager *after_s* seconds later, and look for leftovers.
    """
    lock = folder / "lock"
    environment = os.environ | {"PVBENCH_LOCK": str(lock)}
    (folder / "a.json").unlink(missing_ok=True)
    (folder / "a.jsonl").unlink(missing_ok=True)
    run = subprocess.Popen(
        [sys.executable, "-P", "-m", "pvbench", *_RUN, "--delivery", delivery, *plugins],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        run.wait(after_s)
        raise SystemExit(f"the run ended before it was killed, with status {run.returncode}")
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
    run.wait()
    return _leftovers(lock, limit_s)


def _leftovers(lock: Path, limit_s: float) -> Leftovers:
    """The leftovers: none as soon as nothing is left, or those at the time limit."""
    begin = time.monotonic()
    while True:
        processes = _processes(lock)
        lived_s = time.monotonic() - begin
        remaining = Leftovers(
            lived_s, processes, tuple(filter(_has_kvm, processes)), _locked(lock)
        )
        if remaining.is_empty or lived_s > limit_s:
            return remaining
        time.sleep(_STEP_S)


def _processes(lock: Path) -> tuple[int, ...]:
    """Processes that work with the lock file *lock*, which no other run does."""
    marker = f"PVBENCH_LOCK={lock}\0".encode()
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return tuple(pid for pid in pids if marker in _read(pid, "environ") and _lives(pid))


def _lives(pid: int) -> bool:
    state = _read(pid, "stat").rpartition(b")")[2].split()[:1]
    return state not in ([], [b"Z"], [b"X"])


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it has ended, or is another user's
        return b""


def _has_kvm(pid: int) -> bool:
    try:
        files = list(Path(f"/proc/{pid}/fd").iterdir())
        names = [os.readlink(file) for file in files]
    except OSError:
        return False
    return any(name == "/dev/kvm" or "kvm-v" in name for name in names)


def _locked(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def main() -> int:
    """Kill as often as requested; 1 if anything was left."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--delivery", default="model")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)  # noqa: S311 - a reproducible order, no secret
    failures, slowest_s = 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, options.kills + 1):
            after_s = moments.uniform(0, _LONGEST_RUN_S)
            remaining = kill(options.delivery, after_s, Path(folder))
            slowest_s = max(slowest_s, remaining.lived_s)
            if not remaining.is_empty:
                failures += 1
                print(f"kill {number} after {after_s:.3f} s: {remaining}")
    print(
        f"{options.delivery}: {options.kills} kills, {failures} with something left after "
        f"{LIMIT_S:g} s; the slowest run was gone after {slowest_s:.2f} s"
    )
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
