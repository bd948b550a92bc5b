"""Standard streams that are closed, full or without a character."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from support.helpers import DEADLINE_S
from support.runs import buffered, command, console

RUN = (
    *("run", "norov", "--fast", "--vcpus", "2", "--sender", "native", "-k", "*.broadcast"),
    *("--driver", "x2apic-physical", "-o", "a.json"),
)
PRINTING = [
    pytest.param(("list", "senders"), id="list"),
    pytest.param(("plugins",), id="plugins"),
    pytest.param(("doctor",), id="doctor"),
    pytest.param(("explain", "kvm-pv", "--targets", "1,2"), id="explain"),
    pytest.param(("show", "published:norov-2018"), id="show"),
    pytest.param(("compare", "published:norov-2018", "--by", "sender"), id="compare"),
    pytest.param(("run", "norov", "--dry-run"), id="dry-run"),
    pytest.param(("--help",), id="help"),
    pytest.param(("--version",), id="version"),
]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", PRINTING)
def test_a_closed_pipe_is_quiet(arguments: tuple[str, ...], unbuffered: str) -> None:
    """``| head -1`` has seen enough: no traceback, no "Exception ignored"."""
    reading, writing = os.pipe()
    os.close(reading)
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    try:
        output = console(*arguments, stdout=writing, env=environment)
    finally:
        os.close(writing)

    assert (output.returncode, output.stderr) == (0, "")


def test_a_closed_pipe_leaves_the_exit_status() -> None:
    """A regression stays one when ``| head -1`` has seen enough."""
    folder = Path(__file__).parents[2] / "data/lossy"
    names = [str(folder / name) for name in ("good.json", "loses-12-of-141.json")]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        output = console("compare", *names, stdout=writing)
    finally:
        os.close(writing)

    assert output.returncode == 1


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_full_disk_behind_standard_output_gives_one_sentence(
    arguments: tuple[str, ...],
) -> None:
    """The environment is at fault: exit status 5, no traceback."""
    with open("/dev/full", "w") as full:
        output = console(*arguments, stdout=full)

    assert "Traceback" not in output.stderr
    assert output.stderr.count("\n") == 1
    assert "No space left on device" in output.stderr
    assert output.returncode == 5


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("arguments", [("list", "suites"), ("list", "nothing"), RUN])
def test_a_closed_standard_stream_is_not_an_error(
    tmp_path: Path, arguments: tuple[str, ...], closed: str
) -> None:
    """A cron job or a daemon may start a command without it; only its output is lost."""
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh")
    output = subprocess.run(
        [*shell, *command(*arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=buffered(),
        timeout=DEADLINE_S,
    )

    assert output.returncode == (2 if "nothing" in arguments else 0)
    assert "Traceback" not in output.stderr
    assert (output.stdout == "") == ("1>&-" in closed or "nothing" in arguments)
    if arguments == RUN:
        assert len(result_files.read(str(tmp_path / "a.json"))) == 4


def test_a_full_disk_behind_standard_error_gives_no_traceback(tmp_path: Path) -> None:
    """The run is stored, its table is printed, and exit status 5 says that text was lost."""
    with open("/dev/full", "w") as full:
        output = subprocess.run(
            command("run", *RUN[1:]),
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
            cwd=tmp_path,
            env=buffered(),
            timeout=DEADLINE_S,
        )

    assert (output.returncode, "x2apic-physical" in output.stdout) == (5, True)
    assert len(result_files.read(str(tmp_path / "a.json"))) == 4


def test_a_character_that_the_terminal_lacks_is_printed_as_its_escape(tmp_path: Path) -> None:
    """``LC_ALL=C`` and a name that is not ASCII."""
    ascii_only = buffered() | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    output = console("show", "Gäste.json", cwd=tmp_path, env=ascii_only)

    assert (output.returncode, output.stderr.count("\n")) == (2, 1)
    assert output.stderr.startswith("pvbench: G")


def test_head_shows_the_first_line() -> None:
    """A real pipe leads to a real ``head``."""
    writer = subprocess.Popen(
        command("list", "senders", "--format", "csv"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=buffered(),
    )
    head = subprocess.run(["head", "-1"], stdin=writer.stdout, capture_output=True, check=True)
    assert writer.stdout is not None
    writer.stdout.close()
    _, complaints = writer.communicate(timeout=DEADLINE_S)

    assert (head.stdout, complaints) == (b"name,summary,kind,overrides\n", b"")
