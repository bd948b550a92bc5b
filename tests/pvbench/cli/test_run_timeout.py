"""`pvbench run --timeout`: the longest boot."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import ClassVar

import pytest

from support.plugin_sources import delivery_around_the_model
from support.runs import AddPlugin, Cli, journal_of

QUICK = ("run", "norov", "--fast", "-q", "-k", "*.broadcast", "--sender", "native")
# The guest of three never comes up, and says so; nothing is slept for.
HANG = "guest.name == 'dense:3' and (Path('hangs').touch(), sys.stdin.read())"


class Clock(threading.Timer):
    """Its time is over when a worker hangs, however busy the machine is."""

    intervals_s: ClassVar[set[float]] = set()

    def run(self) -> None:
        self.intervals_s.add(self.interval)
        hangs = Path("hangs").resolve()
        while not self.finished.wait(0.01):
            if hangs.exists():
                hangs.unlink()
                self.finished.set()
                self.function(*self.args, **self.kwargs)


@pytest.mark.usefixtures("one_cpu")
def test_a_boot_that_hangs_costs_itself_and_names_the_option(
    cli: Cli, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other boot is kept, the exit status is 5."""
    monkeypatch.setattr(threading, "Timer", Clock)
    add_plugin("hanging", delivery_around_the_model("hanging", before_boot=HANG))
    options = ("-p", "hanging", "--delivery", "hanging", "--timeout", "5")
    output = cli(*QUICK, "--vcpus", "2,3", "-o", "a.json", *options)
    boots = {e["guest"]: e for e in journal_of(Path("a.json")) if "boot" in e}

    assert (output.status, Clock.intervals_s) == (5, {5.0})
    assert (boots["dense:2"]["outcome"], boots["dense:3"]["outcome"]) == ("ok", "failed")
    assert boots["dense:3"]["reason"] == "the boot took longer than 5 s, see --timeout"
    assert "case: the boot took longer than 5 s, see --timeout" in output.out
    assert "norov on dense:2" in output.out


@pytest.mark.parametrize("value", ["0", "-1", "-0.5", "nan", "inf", "-inf", "1e300"])
def test_an_invalid_time_is_refused(cli: Cli, value: str) -> None:
    """Before anything is written; without an end a timer cannot wait either."""
    output = cli(*QUICK, "--vcpus", "2", "-o", "a.json", f"--timeout={value}")

    assert (output.status, output.out, list(Path().iterdir())) == (2, "", [])
    assert output.err == (
        f"pvbench: --timeout {float(value):g} is not above 0 and at most 1e9 seconds\n"
    )


@pytest.mark.parametrize("value", ["1e9", "600"])
def test_a_long_time_is_not_waited_for(cli: Cli, value: str) -> None:
    """A boot that ends ends its deadline."""
    output = cli(*QUICK, "--vcpus", "2", "-o", "a.json", "--timeout", value)

    assert (output.status, output.err) == (0, "results: a.json\n")


def test_a_time_in_words_is_refused(cli: Cli) -> None:
    """It is not a number of seconds."""
    output = cli(*QUICK, "--timeout", "soon")

    assert (output.status, output.out) == (2, "")
    assert output.err.startswith("pvbench: --timeout takes a number, not 'soon'. ")
