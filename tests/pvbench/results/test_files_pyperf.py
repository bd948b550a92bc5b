"""A result file is a plain pyperf suite: pyperf's own tools work on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyperf
import pytest

from support.helpers import DEADLINE_S
from support.runs import run_to


def pyperf_tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m pyperf``."""
    return subprocess.run(
        [sys.executable, "-m", "pyperf", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def test_pyperf_loads_a_result_file(native_file: Path) -> None:
    """It has two stacks, two workloads and five series, named by case and series."""
    suite = pyperf.BenchmarkSuite.load(str(native_file))

    assert len(suite) == 20
    assert suite.get_benchmark_names()[0] == (
        "norov.broadcast x2apic-physical dense:80 halted linux-4.19 model@local skylake-2018 "
        "send"
    )


@pytest.mark.parametrize("tool", ["show", "stats", "hist", "check", "metadata", "dump"])
def test_pyperf_s_tools_work_on_a_result_file(native_file: Path, tool: str) -> None:
    """The exit status is 0, and nothing is on standard error."""
    output = pyperf_tool(tool, str(native_file))

    assert (output.returncode, output.stderr) == (0, "")
    assert "norov.broadcast x2apic-physical" in output.stdout


@pytest.mark.parametrize("boots", ["2", "3"])
def test_pyperf_compares_two_result_files(
    native_file: Path, tmp_path: Path, boots: str
) -> None:
    """Exact values have no variance; pyperf says so and still exits with 0."""
    second = tmp_path / "again.json"
    run_to(second, "-k", "broadcast", "--sender", "native", "--boots", boots)
    output = pyperf_tool("compare_to", str(native_file), str(second))

    assert (output.returncode, output.stderr) == (0, "")
    assert output.stdout.count("no change") >= 20


def test_pyperf_reads_the_published_file() -> None:
    """It is a result file like any other."""
    path = Path(__file__).parents[3] / "results/published/norov-2018.json"

    assert pyperf_tool("stats", str(path)).returncode == 0
