"""
SIGKILL ends a manager or a worker at a random moment, and `--resume` completes the run.

    python benchmarks/kill.py --kills 100 --delivery kvm
    python benchmarks/kill.py --kills 50 --victim worker

Three seconds later nothing of the run is left: no process, no open /dev/kvm, and the lock of
timed runs is free.  With an exact clock the completed file has the bytes of an undisturbed
run; with another it has the same series, with as many boots.  Every kill after which that is
not so is printed, and the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

LIMIT_S: Final = 3.0
_STEP_S: Final = 0.02
_BOOTS: Final = 4  # of a run that is completed
_EXACT: Final = ("model",)  # deliveries whose values are the same in every run
_WORKER: Final = b"pvbench.run.worker\0"
_RUN: Final = (
    *("run", "norov", "--sender", "x2apic-physical", "-k", "normal-ipi", "--vcpus", "2"),
    *("--fast", "-q", "-o", "a.json", "--delivery"),
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
    """Start a run in *folder*, kill its manager *after_s* seconds later, find leftovers."""
    _remove_results(folder)
    run = _started(folder, delivery, "--boots", "1000", *plugins)
    try:
        run.wait(after_s)
        raise SystemExit(f"the run ended before it was killed, with status {run.returncode}")
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
    run.wait()
    return _leftovers(folder / "lock", limit_s)


def kill_and_resume(
    delivery: str, victim: str, after_s: float, folder: Path, *, limit_s: float = LIMIT_S
) -> tuple[Leftovers, Any]:
    """
    Kill the manager or a worker of a run in *folder*, and complete the run.

    Returns:
        The leftovers after the kill, and the results of the completed run.
    """
    _remove_results(folder)
    run = _started(folder, delivery, "--boots", str(_BOOTS))
    try:
        run.wait(after_s)
    except subprocess.TimeoutExpired:
        _strike(run, victim)
    run.wait()
    remaining = _leftovers(folder / "lock", limit_s)
    return remaining, completed(delivery, folder)


def completed(delivery: str, folder: Path) -> Any:
    """Complete the run in *folder*; its bytes, or with a noisy clock what must be equal."""
    status = _started(folder, delivery, "--boots", str(_BOOTS), "--resume").wait()
    if status:
        return f"--resume ends with status {status}"
    content = (folder / "a.json").read_bytes()
    if delivery in _EXACT:
        return content
    benchmarks = json.loads(content)["benchmarks"]
    return [(one["metadata"]["name"], len(one["runs"])) for one in benchmarks]


def _remove_results(folder: Path) -> None:
    for name in ("a.json", "a.jsonl"):
        (folder / name).unlink(missing_ok=True)


def _started(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """A run in *folder* that is under way."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pvbench", *_RUN, *options],
        cwd=folder,
        env=os.environ | {"PVBENCH_LOCK": str(folder / "lock")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _strike(run: subprocess.Popen[bytes], victim: str) -> None:
    """Kill the manager, or the first worker that is there before the run ends."""
    if victim == "manager":
        run.send_signal(signal.SIGKILL)
    while victim == "worker" and run.poll() is None:
        for pid in _children(run.pid):
            if _WORKER in _read(pid, "cmdline"):
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(pid, signal.SIGKILL)
                    return


def _children(pid: int) -> list[int]:
    return [int(child) for child in _read(pid, f"task/{pid}/children").split()]


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
    """Kill as often as requested; 1 if anything was left or the results differ."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--delivery", default="model")
    parser.add_argument("--victim", choices=("manager", "worker"), default="manager")
    parser.add_argument("--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d}"))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    moments = random.Random(options.seed)  # noqa: S311 - a reproducible order, no secret
    failures, slowest_s = 0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder, begin = Path(name), time.monotonic()
        undisturbed = completed(options.delivery, folder)
        run_s = time.monotonic() - begin
        for number in range(1, options.kills + 1):
            after_s = moments.uniform(0, run_s)
            remaining, results = kill_and_resume(
                options.delivery, options.victim, after_s, folder
            )
            slowest_s = max(slowest_s, remaining.lived_s)
            if not remaining.is_empty or results != undisturbed:
                failures += 1
                differs = (
                    "" if results == undisturbed else f"; the results differ: {results!r:.200}"
                )
                print(f"kill {number} after {after_s:.3f} s: {remaining}{differs}", flush=True)
    print(
        f"{options.delivery}: {options.kills} kills of a {options.victim}, {failures} with "
        f"something left after {LIMIT_S:g} s or other results; the slowest run was gone after "
        f"{slowest_s:.2f} s"
    )
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
