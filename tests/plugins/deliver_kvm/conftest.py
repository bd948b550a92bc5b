"""Fixtures of the tests of delivery kvm: runs that boot real guests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from support.kvm_runs import HELD, Begin, begin, members
from support.runs import AddPlugin, Cli, Output, call

KVM = ("run", "norov", "--delivery", "kvm", "--fast", "-q")


@pytest.fixture(scope="session")
def kvm_run(needs_kvm: None, runs: Path) -> tuple[Path, Output]:
    """One unicast under two drivers, in guests of two and of eight: two boots each."""
    path = runs / "kvm.json"
    choice = ("-k", "normal-ipi", "--sender", "native", "--vcpus", "2,8", "--boots", "2")
    return path, call(*KVM, *choice, "-o", str(path))


@pytest.fixture
def kvm(needs_kvm: None, cli: Cli) -> Cli:
    """Run norov on real guests, one boot of each."""
    return partial(cli, *KVM, "--boots", "1")


@pytest.fixture
def start(
    needs_kvm: None, tmp_path: Path, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Begin]:
    """Start runs of real guests, see HELD; none outlives its test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PVBENCH_LOCK", str(tmp_path / "lock"))
    add_plugin("held", HELD)
    os.mkfifo("begun")
    os.mkfifo("go")
    running: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> subprocess.Popen[str]:
        running.append(begin(*options, **environment))
        return running[-1]

    yield start
    for process in running:
        with process:
            for pid in members(process.pid):
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(pid, signal.SIGKILL)
