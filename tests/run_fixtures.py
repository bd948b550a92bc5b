"""Fixtures of the tests of runs: a command line in a directory of its own, and runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from run_helpers import Cli, Plant, call, run_to


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run a command in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return call


@pytest.fixture
def plant(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plant]:
    """Write a module that ``-p`` can name, and that workers can import."""
    folder = tmp_path_factory.mktemp("planted")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    planted: list[str] = []

    def write(name: str, source: str) -> str:
        (folder / f"{name}.py").write_text(f"pvbench_api = 1\n{source}")
        planted.append(name)
        return name

    yield write
    for name in planted:
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs that tests share are kept."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def native_file(runs: Path) -> Path:
    """Both broadcasts, natively, in a guest of 80: three boots."""
    path = runs / "native.json"
    done = run_to(path, "-k", "broadcast", "--sender", "native", "--boots", "3")
    assert done.status == 0, done.err
    return path


@pytest.fixture(scope="session")
def overlay_file(runs: Path) -> Path:
    """All five workloads, native and under the merged overlay, in a guest of 80."""
    path = runs / "overlay.json"
    done = run_to(path, "--sender", "native,kvm-pv")
    assert done.status == 0, done.err
    return path


@pytest.fixture(scope="session")
def lossy_file(runs: Path) -> Path:
    """A sender that loses 32 of 159 IPIs, and one that loses none."""
    path = runs / "lossy.json"
    options = ("--sender", "kvm-pv,kvm-pv128-v3", "--vcpus", "160")
    done = run_to(path, "-k", "broadcast ", "--driver", "x2apic-physical", *options)
    assert done.status == 0, done.err
    return path
