"""Boots of a run side by side: as many as the hosts have slots, where the clock allows it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.delivery import Clock
from pvbench.results.files import read
from pvbench.results.rows import rows
from pvbench.run import loop
from pvbench.run.boot import BootResult, CaseResult, Launch
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot, Part, make_plan
from pvbench.run.request import PreparedRun, plan_entry
from pvbench.run.store import RunStore
from pvbench.site import Host
from support.helpers import DEADLINE_S, bundled
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
    """Boots that end at once, where each was, and how many were under way together."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.most = self._now = 0

    def __call__(self, boot: Boot, launch: Launch) -> BootResult:
        self.hosts.append(launch.hosts[0].id)
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


def each_of(output: str, *hosts: Host, boots: int = 2) -> PreparedRun:
    """A noisy run of two guests on each of *hosts*, which has it for itself."""
    shared = prepared(output, boots=boots, clock=Clock("tsc", 10**12, "noisy"))
    (setting,) = shared.settings
    planned = [
        attrs.evolve(
            setting, hosts=(host,), host=host.id, facts=setting.facts | {"on": host.id}
        )
        for host in hosts
    ]
    cases = [[attrs.evolve(case, host=host.id) for case in shared.plan.cases] for host in hosts]
    parts = [Part(setting.description, one) for one in cases]
    plan = make_plan(parts, bundled().table("delivery")["model"], shared.plan.effort, 0)
    return attrs.evolve(shared, settings=tuple(planned), plan=plan)


def test_each_host_of_a_noisy_run_has_all_boots_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two hosts boot side by side, else no boot would end, whatever slots they have."""
    together = Together(2)
    monkeypatch.setattr(loop, "run_boot", together)
    loop.run(each_of("a.json", attrs.evolve(A, slots=4), B))
    series = rows(read("a.json"))

    assert sorted(together.hosts) == 4 * ["a"] + 4 * ["b"]
    assert {(row.fact("host"), row.fact("on"), row.boots) for row in series} == {
        ("a", "a", (1, 2)),
        ("b", "b", (1, 2)),
    }
    assert len({row.name for row in series}) == len(series)


def test_a_host_that_fails_costs_its_own_boots_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other host has all of its boots; the exit status is that of a failed boot."""
    lost = Outcome("failed", "no worker is left on b")

    def boot(planned: Boot, launch: Launch) -> BootResult:
        if launch.hosts == (B,):
            cases = (CaseResult(name=case.name, outcome=lost) for case in planned.cases)
            return BootResult(outcome=lost, cases=tuple(cases))
        return BOOT_ONCE(planned, launch)

    monkeypatch.setattr(loop, "run_boot", boot)
    ended = loop.run(each_of("a.json", A, B))
    boots = [entry["outcome"] for entry in journal_of(Path("a.json")) if "boot" in entry]

    assert ended.status == 5
    assert sorted(boots) == 4 * ["failed"] + 4 * ["ok"]
    assert {(row.fact("host"), row.boots) for row in rows(read("a.json"))} == {("a", (1, 2))}


def test_the_plan_of_several_hosts_says_what_differs_between_them() -> None:
    """A run is resumed only if each host is the same."""
    facts = plan_entry(each_of("a.json", A, B))["facts"]

    assert (facts["on (on a)"], facts["on (on b)"]) == ("a", "b")
    assert facts["pvbench_delivery_plugin"] == "pvbench 0.1.0"
    assert "on" not in facts


def test_a_run_with_looks_has_one_boot_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look counts the boots that are stored."""
    alone = Alone()
    monkeypatch.setattr(loop, "run_boot", alone)
    loop.run(prepared("a.json", A, B, clock=NEAR_EXACT), looks=lambda path, boots: False)

    assert alone.most == 1


def test_a_look_comes_after_the_boots_of_all_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One boot at a time then; the run ends on both hosts."""
    alone, looked = Alone(), list[tuple[int, int]]()
    monkeypatch.setattr(loop, "run_boot", alone)

    def looks(path: Path, boots: int) -> bool:
        looked.append((boots, len(alone.hosts)))
        return boots == 2

    loop.run(each_of("a.json", A, B, boots=3), looks=looks)

    assert looked == [(1, 4), (2, 8)]
    assert (sorted(alone.hosts), alone.most) == (4 * ["a"] + 4 * ["b"], 1)


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
