"""What a run says of its number of boots before it measures."""

from __future__ import annotations

import attrs
import pytest

from pvbench.cli import run_needs
from pvbench.delivery import Clock
from pvbench.run.request import PreparedRun
from support.resume import prepared_small
from support.sessions import with_clock

NOISY = Clock(name="tsc", ticks_per_second=10**9, exactness="noisy")


def prepared(clock: Clock) -> PreparedRun:
    """A run of two boots of each guest."""
    return with_clock(prepared_small("a.json", boots=2), clock)


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        pytest.param(0, "", id="enough"),
        pytest.param(
            1,
            "pvbench: the result file has room for about 1 of the 2 boots of each guest: take "
            "fewer, or fewer cases",
            id="too-few",
        ),
    ],
)
def test_a_run_with_more_boots_than_a_file_can_hold_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lacking: int, said: str
) -> None:
    """Otherwise it would end after hours; each case of a boot counts as 150 values."""
    run = prepared(NOISY)
    values = 150 * sum(len(boot.cases) for boot in run.plan.boots)
    monkeypatch.setattr(run_needs, "MOST_VALUES", values - lacking)
    run_needs.say_needs(run)

    rooms = [line for line in capsys.readouterr().err.splitlines() if "has room" in line]

    assert rooms == ([said] if said else [])


def test_an_exact_clock_needs_no_boots(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each boot is the same."""
    monkeypatch.setattr(run_needs, "MOST_VALUES", 1)
    run_needs.say_needs(prepared_small("a.json", boots=2))

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("exactness", ["near-exact", "none"])
def test_an_emulated_run_says_how_many_of_its_boots_run_at_once(
    capsys: pytest.CaptureFixture[str], exactness: str
) -> None:
    """Each takes a CPU and a gigabyte of this machine."""
    clock = Clock(name="icount", ticks_per_second=10**9, exactness=exactness)
    run = prepared(clock)
    host = attrs.evolve(run.settings[0].hosts[0], slots=5)
    settings = (attrs.evolve(run.settings[0], hosts=(host,)),)
    boots = len(run.plan.boots)
    run_needs.say_needs(attrs.evolve(run, settings=settings))

    assert capsys.readouterr().err == f"pvbench: {boots} boots, up to {min(boots, 5)} at once\n"
