"""Runs on a cluster of processes: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvbench.results import files
from pvbench.results.rows import Row, rows
from support.fleet import Fleet, fleet
from support.helpers import DEADLINE_S
from support.plugin_sources import delivery_around_the_model
from support.runs import buffered, command, console, journal_of

RUN = (
    *("run", "norov", "--fast", "--sender", "native", "--driver", "x2apic-physical"),
    *("-k", "*.broadcast", "--vcpus", "2,3", "-o"),
)
BOOTS = 10  # of both guests
# A boot that holds the writing end of a FIFO as long as it lives, and waits for ever.
HANG = "alive = open(os.environ['ALIVE'], 'w'); open(os.environ['NEVER']).read()"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A cluster of two workers on one machine, with a delivery that hangs."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "hanging.py").write_text(
        f"pvbench_api = 1\n{delivery_around_the_model('hanging', before_boot=HANG)}"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        for name in ("ALIVE", "NEVER"):
            os.mkfifo(folder / name)
            patch.setenv(name, str(folder / name))
        with fleet({}, {}) as cluster:
            yield cluster


def values(path: Path) -> dict[tuple[object, ...], tuple[float, ...]]:
    """The times of each series, whatever its site."""

    def key(row: Row) -> tuple[object, ...]:
        return row.fact("guest"), row.fact("stack"), row.fact("series")

    return {key(row): tuple(row.boots_s) for row in rows(files.read(str(path)))}


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A command that runs in *folder*."""
    return subprocess.Popen(
        command(*words),
        cwd=folder,
        env=buffered(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_workers_killed_at_random_moments_lose_nothing_and_do_nothing_twice(
    two: Fleet, tmp_path: Path
) -> None:
    """A boot that lost two workers has failed with that reason, and --resume repeats it."""
    drawn = random.Random(12)  # noqa: S311 - moments of a test
    words = (*RUN, "a.json", "--boots", str(BOOTS // 2), "--site", two.site)
    moments = set(drawn.sample(range(2, BOOTS + 1), 2))
    with started(tmp_path, *words) as run:
        assert run.stderr
        for line in run.stderr:
            if any(line.startswith(f"boot {moment}/") for moment in moments):
                two.kill(drawn.randrange(2))
        run.communicate(timeout=DEADLINE_S)
    boots = [entry for entry in journal_of(tmp_path / "a.json") if "boot" in entry]
    reasons = {boot["reason"].partition(":")[0] for boot in boots}
    resumed = console(*words, "-q", "--resume", cwd=tmp_path)
    local = console(*RUN, "b.json", "--boots", str(BOOTS // 2), "-q", cwd=tmp_path)

    assert sorted(boot["boot"] for boot in boots) == list(range(1, BOOTS + 1))
    assert reasons <= {"", "each worker that ran the boot was lost"}
    assert (resumed.returncode, local.returncode) == (0, 0), resumed.stderr
    assert values(tmp_path / "a.json") == values(tmp_path / "b.json")


@pytest.mark.parametrize(
    ("number", "status", "lines"),
    [
        pytest.param(signal.SIGINT, 130, ["plan", "end"], id="ctrl-c"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, ["plan"], id="killed"),
    ],
)
def test_a_run_that_is_ended_leaves_valid_files_and_no_work_on_the_cluster(
    two: Fleet, tmp_path: Path, number: int, status: int, lines: list[str]
) -> None:
    """The process of the boot ends, though the cluster goes on."""
    words = (*RUN, "a.json", "-q", "-p", "hanging", "--delivery", "hanging")
    reader = os.open(os.environ["ALIVE"], os.O_RDONLY | os.O_NONBLOCK)
    try:
        with started(tmp_path, *words, "--site", two.site) as run:
            poll = select.poll()
            os.set_blocking(reader, True)
            with open(os.environ["ALIVE"]):  # until a boot has opened the other end
                run.send_signal(number)
                run.communicate(timeout=DEADLINE_S)
                poll.register(reader, 0)  # no event but that no boot is left
                ended = poll.poll(DEADLINE_S * 1000)
    finally:
        os.close(reader)

    assert run.returncode == status
    assert ended[0][1] == select.POLLHUP
    assert [next(iter(entry)) for entry in journal_of(tmp_path / "a.json")] == lines


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """Nothing listens on that port."""
    output = console(*RUN, "a.json", "--site", "dask:tcp://127.0.0.1:9", cwd=tmp_path)

    assert output.returncode == 5
    assert "the scheduler at tcp://127.0.0.1:9 cannot be reached" in output.stderr
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("address", ["here", "tcp://", "://x"])
def test_an_address_without_a_scheme_or_a_host_is_refused(address: str, tmp_path: Path) -> None:
    """Before anything is started."""
    output = console(*RUN, "a.json", "--site", f"dask:{address}", cwd=tmp_path)

    assert output.returncode == 2
    assert "is not the address of a scheduler. Write dask:tcp://HOST:8786" in output.stderr
