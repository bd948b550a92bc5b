"""A run that is ended from outside keeps every finished boot."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from support.helpers import DEADLINE_S
from support.plugin_sources import delivery_around_the_model
from support.runs import AddPlugin, buffered, command, journal_of, wait_for

# The second boot tells that it has begun, and then waits for somebody to write.
BLOCK_IN_BOOT_2 = (
    "made = Path(os.environ['BOOTS']); made.open('a').write('.');"
    "made.read_text() == '..' and ("
    "Path(os.environ['BEGUN']).write_text('!'), open(os.environ['NEVER']).read())"
)


@pytest.fixture
def blocked(
    one_cpu: None, tmp_path: Path, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> Iterator[subprocess.Popen[str]]:
    """A run of three boots, into ``a.json``, in the middle of its second."""
    for name in ("BOOTS", "BEGUN", "NEVER"):
        monkeypatch.setenv(name, str(tmp_path / name))
    os.mkfifo(tmp_path / "BEGUN")
    os.mkfifo(tmp_path / "NEVER")
    add_plugin("blocking", delivery_around_the_model("blocking", before_boot=BLOCK_IN_BOOT_2))
    delivery = ("-p", "blocking", "--delivery", "blocking", "--boots", "3", "--fast")
    choice = ("--sender", "native", "-k", "normal", "--vcpus", "4", "-q", "-o", "a.json")
    run = subprocess.Popen(
        command("run", "norov", *delivery, *choice),
        cwd=tmp_path,
        env=buffered(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run:
        wait_for(tmp_path / "BEGUN", run)
        yield run
        run.kill()


def result_of_signal(
    run: subprocess.Popen[str], number: signal.Signals
) -> tuple[int, str, str]:
    """Exit status, standard output and standard error after a signal."""
    run.send_signal(number)
    out, err = run.communicate(timeout=DEADLINE_S)
    return run.returncode, out, err


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGINT, 130, id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, id="terminated"),
    ],
)
def test_a_signal_in_the_middle_of_a_boot_loses_that_boot_only(
    blocked: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """The table of what was finished is printed; the status is the shell's, 128 + n."""
    returned, out, err = result_of_signal(blocked, number)
    plan, boot, end = journal_of(tmp_path / "a.json")

    assert returned == status
    assert "x2apic-physical" in out
    first, command, last = err.splitlines()
    assert (first, last) == (
        "results: a.json",
        f"pvbench: ended early by signal {number.value}",
    )
    assert re.fullmatch(
        "pvbench: `pvbench run norov .*-o a.json --resume` continues it", command
    )
    assert (plan["plan"]["boots"], boot["boot"], boot["outcome"]) == (3, 1, "ok")
    assert end == {"end": 128 + number.value, "signal": number.value}
    assert {len(b.get_runs()) for b in result_files.read(str(tmp_path / "a.json"))} == {1}


def test_a_run_that_is_killed_leaves_valid_files(
    blocked: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Nothing can be done at SIGKILL, so everything was done before: no end, one boot."""
    returned, _, _ = ended_by_kill(blocked)
    plan, boot = journal_of(tmp_path / "a.json")

    assert returned == -signal.SIGKILL
    assert (plan["plan"]["boots"], boot["boot"], boot["outcome"]) == (3, 1, "ok")
    assert {len(b.get_runs()) for b in result_files.read(str(tmp_path / "a.json"))} == {1}


def ended_by_kill(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The same for SIGKILL; its worker, which holds the pipes too, ends with it."""
    run.kill()
    out, err = run.communicate(timeout=DEADLINE_S)
    return run.returncode, out, err
