"""A run that was killed goes on where it was, to the result of an undisturbed one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from support.runs import AddPlugin, Cli, buffered, console

pytestmark = pytest.mark.usefixtures("replayed_boots")
# Two guests, two boots of each; one case loses IPIs and has no time.
RUN = (
    *("run", "norov", "--fast", "-q", "-o", "a.json", "--boots", "2", "--seed", "7"),
    *("-k", "*.broadcast", "--driver", "x2apic-physical", "--sender", "native,kvm-pv128-v3"),
    *("--guest", "dense:3", "--guest", "ids:0,1,200"),
)
# Kills its process at the Nth time something is written, renamed or started.
KILLER = """
import os, pathlib, signal, subprocess

left = int(os.environ["KILL_AT"])

def counted(function):
    def call(*args, **options):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **options)
    return call

os.fsync = counted(os.fsync)
pathlib.Path.open = counted(pathlib.Path.open)
os.replace = counted(os.replace)
subprocess.Popen.__init__ = counted(subprocess.Popen.__init__)

from pvbench.hookspecs import hookimpl

@hookimpl
def pvbench_suites():
    return ()
"""
# Of a run with four boots on four guests; the last moments are those after its end.
MOMENTS = 30


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The result file of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    output = console(*RUN, cwd=folder)
    assert output.returncode == 0, output.stderr
    return (folder / "a.json").read_bytes()


@pytest.mark.parametrize("moment", [*range(1, 7), 8, 10, 11, 12, 17, 20, 26, MOMENTS])
def test_killed_at_any_moment_a_run_resumes_to_the_same_result(
    cli: Cli, moment: int, undisturbed: bytes, add_plugin: AddPlugin
) -> None:
    """SIGKILL, so nothing can be cleaned up; the exact clock makes equal files equal."""
    add_plugin("killer", KILLER)
    killed = console(*RUN, "-p", "killer", env=buffered() | {"KILL_AT": str(moment)})

    resumed = cli(*RUN, "--resume")

    assert (killed.returncode, resumed.status) == (-signal.SIGKILL, 0)
    assert Path("a.json").read_bytes() == undisturbed
    assert sorted(os.listdir()) == ["a.json", "a.jsonl"]
