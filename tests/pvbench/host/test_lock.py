"""The machine's lock: timed runs of all users take turns."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from pvbench.errors import UnavailableError
from pvbench.host import lock as host_lock
from support.helpers import DEADLINE_S
from support.plugin_sources import delivery_around_the_model
from support.runs import AddPlugin, Cli, buffered, command, journal_of, wait_for

Start = Callable[..., subprocess.Popen[str]]

QUICK = ("run", "norov", "--fast", "-q", "-k", "*.broadcast", "--sender", "native")
ONE = (*QUICK, "--driver", "x2apic-physical", "--vcpus", "3", "--boots", "1")
COMMON_LOCK = "/tmp/pvbench.lock"  # noqa: S108 - all users of a machine share it
# A boot tells how many of the others' runs are over, then waits if it is told to.
TELL = """
        over = sum(book.read_text().count('"end"') for book in Path().glob('*.jsonl'))
        Path('boots').open('a').write(f'{over} ')
        if fifo := os.environ.get('WAIT'):
            Path('begun').write_text('!')
            Path(fifo).read_text()
"""


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock for this test and the processes that it starts."""
    path = tmp_path / "lock" / "pvbench.lock"
    path.parent.mkdir()
    monkeypatch.setenv("PVBENCH_LOCK", str(path))
    return path


@pytest.fixture
def timed(add_plugin: AddPlugin) -> tuple[str, ...]:
    """Options of a run on a clock that others could disturb: ticks are nanoseconds."""
    add_plugin("timed", delivery_around_the_model("timed", before_boot=TELL, noisy=True))
    return (*ONE, "-p", "timed", "--delivery", "timed")


@pytest.fixture
def start(cli: Cli, lock: Path) -> Iterator[Start]:
    """Start commands in the current directory; none outlives its test."""
    running: list[subprocess.Popen[str]] = []
    os.mkfifo("begun")
    os.mkfifo("go")

    def begin(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(*arguments),
            env=buffered() | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        with process:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line of the process on standard error."""
    stream: IO[str] | None = process.stderr
    assert stream is not None
    return stream.readline()


def nobody_waits(text: str) -> None:
    pytest.fail(f"it waited: {text}")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, COMMON_LOCK, id="default"),
        pytest.param({"PVBENCH_LOCK": ""}, COMMON_LOCK, id="empty"),
        pytest.param({"PVBENCH_LOCK": "/srv/lock"}, "/srv/lock", id="named"),
    ],
)
def test_the_environment_may_name_another_lock(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    """Otherwise all users of a machine have one."""
    monkeypatch.delenv("PVBENCH_LOCK", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert host_lock.lock_path() == Path(expected)


def test_a_lock_is_readable_by_all_users(lock: Path) -> None:
    """Locking needs read permission, independent of the creator's umask."""
    before = os.umask(0o077)
    try:
        with host_lock.alone(nobody_waits):
            pass
    finally:
        os.umask(before)

    assert (lock.stat().st_mode & 0o777, lock.read_bytes()) == (0o644, b"")


def test_the_lock_file_of_another_user_is_used(lock: Path) -> None:
    """A file with mode 0444 is opened and not changed."""
    lock.write_text("theirs")
    lock.chmod(0o444)
    if os.geteuid() == 0:
        os.chown(lock, 65_534, 65_534)
    before = lock.stat()
    with host_lock.alone(nobody_waits):
        pass

    assert (lock.read_text(), lock.stat()[:7]) == ("theirs", before[:7])


def test_a_lock_that_cannot_be_opened_is_named(lock: Path) -> None:
    """It is an environment error."""
    lock.parent.rmdir()
    with (
        pytest.raises(UnavailableError, match=r"pvbench\.lock cannot be opened: No such file"),
        host_lock.alone(nobody_waits),
    ):
        pass


def test_a_fifo_in_the_place_of_the_lock_is_refused_at_once(lock: Path) -> None:
    """Opening it would block until another process writes to it."""
    os.mkfifo(lock)
    with (
        pytest.raises(UnavailableError, match="cannot be opened: it is not a regular file"),
        host_lock.alone(nobody_waits),
    ):
        pass


def test_a_timed_run_that_cannot_lock_measures_nothing(
    cli: Cli, lock: Path, timed: tuple[str, ...]
) -> None:
    """The exit status is 5, and no file is written."""
    lock.parent.rmdir()
    output = cli(*timed, "-o", "a.json")

    assert (output.status, os.listdir()) == (5, [])
    assert output.err == (
        f"pvbench: {lock} cannot be opened: No such file or directory. Timed runs lock it.\n"
    )


def test_a_timed_run_waits_for_another_and_says_so(
    start: Start, timed: tuple[str, ...], lock: Path
) -> None:
    """The second run boots after the first one ends, and both succeed."""
    first = start(*timed, "-o", "a.json", WAIT="go")
    wait_for(Path("begun"), first)
    second = start(*timed, "-o", "b.json")
    message = line_of(second)
    Path("go").write_text("!")
    ends = [
        (process.communicate(timeout=DEADLINE_S)[1], process.returncode)
        for process in (first, second)
    ]

    assert message == f"pvbench: another timed run is under way here, waiting for it ({lock})\n"
    assert ends == [("results: a.json\n", 0), ("results: b.json\n", 0)]
    assert Path("boots").read_text() == "0 1 "


def test_a_killed_run_releases_the_lock(
    start: Start, timed: tuple[str, ...], lock: Path
) -> None:
    """Its worker holds the lock too, and ends by itself when the run is killed."""
    first = start(*timed, "-o", "a.json", WAIT="go")
    wait_for(Path("begun"), first)
    first.kill()
    first.wait(timeout=DEADLINE_S)
    notices: list[str] = []
    with host_lock.alone(notices.append):  # it waits where the worker has not ended yet
        pass

    assert first.returncode == -signal.SIGKILL


def test_the_sides_of_a_killed_session_keep_the_lock(
    start: Start, timed: tuple[str, ...], lock: Path
) -> None:
    """Other timed runs wait until the side has ended its boot."""
    session = start("ab", *timed[1:], "--a=--label=x", "--b=--label=y", WAIT="go")
    wait_for(Path("begun"), session)
    session.kill()
    session.wait(timeout=DEADLINE_S)
    with pytest.raises(host_lock.BusyError), host_lock.alone(None):
        pass
    Path("go").write_text("!")
    notices: list[str] = []
    with host_lock.alone(notices.append):  # it waits where the side has not ended yet
        pass

    assert session.returncode == -signal.SIGKILL


def test_ctrl_c_ends_the_wait_for_the_lock(
    cli: Cli, start: Start, timed: tuple[str, ...]
) -> None:
    """The exit status is 130, and no file is written."""
    with host_lock.alone(nobody_waits):
        waiting = start(*timed, "-o", "a.json")
        line_of(waiting)
        waiting.send_signal(signal.SIGINT)
        _, errors = waiting.communicate(timeout=DEADLINE_S)

    assert (waiting.returncode, errors) == (130, "pvbench: ended early by signal 2\n")
    assert sorted(os.listdir()) == ["begun", "go", "lock"]


def test_a_run_that_boots_nothing_does_not_wait(start: Start, timed: tuple[str, ...]) -> None:
    """Its refusals are printed immediately."""
    words = ["kernel" if word == "native" else word for word in timed]
    with host_lock.alone(nobody_waits):
        refused = start(*words, "-o", "a.json")
        _, errors = refused.communicate(timeout=DEADLINE_S)

    assert (refused.returncode, "waiting" in errors) == (3, False)
    assert [next(iter(entry)) for entry in journal_of(Path("a.json"))] == [
        *("plan", "case", "end"),
    ]


def test_a_run_of_the_model_never_waits(cli: Cli, lock: Path) -> None:
    """No load can disturb an exact clock."""
    with host_lock.alone(nobody_waits):
        output = cli(*ONE, "-o", "a.json")

    assert (output.status, output.err) == (0, "results: a.json\n")


def test_a_timed_run_waits_before_it_prints_its_plan(
    cli: Cli, lock: Path, timed: tuple[str, ...]
) -> None:
    """It holds the lock during all of its boots and then releases it."""
    output = cli(*timed, "-o", "a.json")
    with host_lock.alone(nobody_waits):
        pass

    assert (output.status, lock.exists()) == (0, True)
    assert [next(iter(entry)) for entry in journal_of(Path("a.json"))] == [
        *("plan", "boot", "end"),
    ]
