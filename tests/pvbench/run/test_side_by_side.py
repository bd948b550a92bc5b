"""Boots of a run side by side: as many as the hosts have slots, where the clock allows it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.delivery import Clock
from pvbench.run import loop
from pvbench.run.boot import BootResult, Launch
from pvbench.run.plan import Boot
from pvbench.run.request import PreparedRun
from pvbench.run.store import RunStore
from pvbench.site import Host
from support.helpers import DEADLINE_S
from support.resume import BOOT_ONCE, prepared_small
from support.runs import journal_of
from support.sessions import EXACT, NEAR_EXACT, NOISY, on_hosts, with_clock

A, B = Host("a", "a", 2), Host("b", "b", 1)


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Result files have short names."""
    monkeypatch.chdir(tmp_path)


def prepared(output: str, *hosts: Host, boots: int = 2, clock: Clock = EXACT) -> PreparedRun:
    """A small run of two guests, on *hosts*."""
    small = prepared_small(output, boots=boots, guests=("2", "3"))
    return on_hosts(with_clock(small, clock), *hosts)


class Together:
    """Boots that end when *count* of them are under way at once, and where each was."""

    def __init__(self, count: int) -> None:
        self.hosts: list[str] = []
        self._barrier = threading.Barrier(count)

    def __call__(self, boot: Boot, launch: Launch) -> BootResult:
        self.hosts.append(launch.hosts[0].id)
        self._barrier.wait(DEADLINE_S)
        return BOOT_ONCE(boot, launch)


class Alone:
    """Boots that end at once, and how many were under way together at most."""

    def __init__(self) -> None:
        self.most = self._now = 0

    def __call__(self, boot: Boot, launch: Launch) -> BootResult:
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            return BOOT_ONCE(boot, launch)
        finally:
            self._now -= 1


@pytest.mark.parametrize("changes", [{}, {"clock": NEAR_EXACT}], ids=["exact", "near-exact"])
def test_each_slot_of_each_host_has_a_boot(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """Three at a time, else none of them would end; every host gets one first."""
    together = Together(3)
    monkeypatch.setattr(loop, "run_boot", together)
    ended = loop.run(prepared("a.json", A, B, boots=3, **changes))

    assert together.hosts[:2] == ["a", "b"]
    assert sorted(together.hosts[:3]) == ["a", "a", "b"]
    assert (ended.status, len(together.hosts)) == (0, 6)


def test_a_noisy_clock_has_one_boot_on_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many slots it has."""
    alone = Alone()
    monkeypatch.setattr(loop, "run_boot", alone)
    loop.run(prepared("a.json", attrs.evolve(A, slots=4), clock=NOISY))

    assert alone.most == 1


def test_a_run_with_looks_has_one_boot_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look counts the boots that are stored."""
    alone = Alone()
    monkeypatch.setattr(loop, "run_boot", alone)
    loop.run(prepared("a.json", A, B, clock=NEAR_EXACT), looks=lambda path, boots: False)

    assert alone.most == 1


def test_results_do_not_depend_on_the_order_in_which_boots_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The journal has the boots as they ended, the result file as they were planned."""
    add, second_stored = RunStore.add, threading.Event()

    def noted(store: RunStore, *boot: Any) -> None:
        add(store, *boot)
        second_stored.set()

    def last_first(boot: Boot, launch: Launch) -> BootResult:
        if boot.number_in_guest == 1:
            assert second_stored.wait(DEADLINE_S)
        return BOOT_ONCE(boot, launch)

    monkeypatch.setattr(loop, "run_boot", BOOT_ONCE)
    loop.run(prepared("a.json", B))
    monkeypatch.setattr(loop, "run_boot", last_first)
    monkeypatch.setattr(RunStore, "add", noted)
    loop.run(prepared("b.json", attrs.evolve(A, slots=4)))
    in_turn, boots = (
        [entry for entry in journal_of(Path(name)) if "boot" in entry]
        for name in ("a.json", "b.json")
    )

    assert Path("b.json").read_bytes() == Path("a.json").read_bytes()
    assert boots[0]["boot"] in (3, 4)
    assert sorted(boots, key=lambda entry: entry["boot"]) == in_turn
