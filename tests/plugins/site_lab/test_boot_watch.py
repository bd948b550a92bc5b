"""Whether a machine that boots gets on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import pytest

from pvbench.errors import HangError
from pvbench_site_lab import boot_watch
from pvbench_site_lab.boot_watch import BootWatch, Use, use_of


def hang_of(uses: Iterable[Use | None], cpus: int = 1) -> str:
    """The hang of a machine with these uses, one a second; '' if it gets on."""
    remaining, seconds = iter(uses), count()
    watch = BootWatch(lambda: next(remaining), cpus, lambda: float(next(seconds)))
    try:
        while True:
            watch.check()
    except HangError as error:
        return str(error)
    except StopIteration:
        return ""


def test_a_machine_that_runs_gets_on() -> None:
    """A boot takes ten seconds of processor time."""
    assert hang_of(Use(second, 0.0) for second in range(100)) == ""


def test_a_machine_that_waits_for_a_processor_gets_on() -> None:
    """Others may have all of them, for as long as they like."""
    assert hang_of(Use(second * 0.003, second * 0.997) for second in range(10_000)) == ""


def test_a_machine_that_does_nothing_for_a_minute_hangs() -> None:
    """Also if it has run before, and if interrupts of a timer wake it."""
    sentence = "the lab has done nothing for 60 s and is not ready"

    assert hang_of(Use(5.0, 0.0) for _ in range(70)) == sentence
    assert hang_of(Use(5.0, 0.0) for _ in range(60)) == ""
    assert hang_of(Use(min(second, 30.0), 0.0) for second in range(120)) == sentence
    assert hang_of(Use(second * 0.1, 0.0) for second in range(70)) == sentence


@pytest.mark.parametrize("cpus", [1, 4])
def test_a_machine_that_runs_for_too_long_hangs(cpus: int) -> None:
    """Each emulated CPU adds to the work of a boot."""
    sentence = f"the lab has run for {120 * cpus} s and is not ready"

    assert hang_of((Use(second * cpus, 0.0) for second in range(123)), cpus) == sentence
    assert hang_of((Use(second * cpus, 0.0) for second in range(120)), cpus) == ""
    assert hang_of((Use(second * cpus + 500.0, 0.0) for second in range(120)), cpus) == ""


def test_the_uses_of_a_machine_are_read_once_a_second() -> None:
    """There is a file for each of its threads."""
    reads = []

    def read() -> Use:
        reads.append(1)
        return Use(0.0, 0.0)

    seconds = iter([0.0, 0.5, 0.9, 1.0, 1.5])
    watch = BootWatch(read, 1, lambda: next(seconds))
    for _ in range(5):
        watch.check()

    assert len(reads) == 2


def test_without_the_uses_no_machine_is_taken_for_a_hang() -> None:
    """Not every kernel says them."""
    assert hang_of(None for _ in range(10_000)) == ""


def test_the_use_of_a_process_is_that_of_its_threads() -> None:
    """It never falls while they live; a process that has ended has none."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    first = use_of(os.getpid())
    second = use_of(os.getpid())

    assert first is not None
    assert second is not None
    assert 0 < first.ran_s <= second.ran_s
    assert first.waited_s <= second.waited_s
    assert use_of(ended.pid) is None


def test_a_kernel_that_counts_no_use_says_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of a thread has no such file then, or another one."""
    monkeypatch.setattr(boot_watch, "_PROC", tmp_path)
    (tmp_path / "1/task/1").mkdir(parents=True)
    without = use_of(1)
    (tmp_path / "1/task/1/schedstat").write_text("5\n")

    assert (without, use_of(1)) == (None, None)
    (tmp_path / "1/task/1/schedstat").write_text("5000000000 2500000000 7\n")
    assert use_of(1) == Use(5.0, 2.5)
