"""The command `pvbench record` with the tracefs of this machine's kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pvbench.recording import stored
from support.helpers import DEADLINE_S
from support.require import skip_without
from support.runs import buffered, command

FOLDER = "/sys/kernel/tracing"
# A mount of its own: the machine is not changed.
MOUNTED = f"mount -t tracefs nodev {FOLDER} && "
PROBE = f"test -d {FOLDER}/events/ipi/ipi_send_cpu -a -d {FOLDER}/events/csd/csd_queue_cpu"
# Threads on all CPUs, one of which changes what they share.
STORM = """
import mmap, threading, time
done = []
def spin():
    while not done: pass
threads = [threading.Thread(target=spin) for _ in range(2)]
for one in threads: one.start()
for _ in range(300):
    with mmap.mmap(-1, 1 << 16) as pages: pages[0] = 1
done.append(1)
for one in threads: one.join()
"""


def in_namespace(script: str) -> subprocess.Popen[str]:
    """A shell that has a tracefs, in a group of its own."""
    return subprocess.Popen(
        ["unshare", "-m", "sh", "-c", MOUNTED + script],
        env=buffered(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _works() -> bool:
    shell = in_namespace(PROBE)
    shell.communicate(timeout=DEADLINE_S)
    return shell.returncode == 0


@pytest.fixture(scope="module")
def tracefs() -> None:
    """Skip without a kernel whose tracepoints can be used."""
    is_root = os.geteuid() == 0
    text = Path("/proc/filesystems").read_text()
    missing = None
    if os.cpu_count() == 1:
        missing = "one CPU interrupts no other"
    elif not is_root or "tracefs" not in text or not _works():
        missing = "root cannot mount a tracefs with events of IPIs here"
    skip_without(
        "tracefs", missing, means=is_root and "tracefs" in text and os.cpu_count() != 1
    )


@pytest.mark.usefixtures("tracefs")
def test_the_ipis_of_a_command_are_recorded(tmp_path: Path) -> None:
    """What was received accounts for what was sent, and the kernel is as it was."""
    path = tmp_path / "storm.recording"
    words = command("record", "-q", "-o", str(path), "--", sys.executable, "-c", '"$STORM"')
    shell = in_namespace(f"STORM='{STORM}'; {' '.join(words)}; ls {FOLDER}/instances")
    out, err = shell.communicate(timeout=DEADLINE_S)

    assert path.exists(), err
    recording = stored.read(path)
    assert recording.sent.total > 0
    assert recording.losses == ()
    assert recording.clock == "ns"
    assert "processor" in recording.texts["cpuinfo"]
    assert {"reschedule_entry", "ipi_send_cpu"} & {*recording.events}
    assert out.rstrip().endswith("hardware.") or "emulated machine" in out


@pytest.mark.usefixtures("tracefs")
def test_a_recorder_that_is_terminated_leaves_no_instance(tmp_path: Path) -> None:
    """Its command ends too."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    inner = f"echo started > {ready}; exec sleep 1000"
    words = command("record", "-o", str(tmp_path / "x"), "--", "sh", "-c")
    shell = in_namespace(
        f"{' '.join(words)} '{inner}' & echo $!; wait $!; "
        f"echo ended with $?; ls {FOLDER}/instances"
    )
    assert shell.stdout is not None
    recorder = int(shell.stdout.readline())
    ready.read_text()
    os.kill(recorder, signal.SIGTERM)
    out, err = shell.communicate(timeout=DEADLINE_S)

    assert out == "ended with 143\n"
    assert "ended early by signal 15" in err
    assert not (tmp_path / "x").exists()
