"""A run that goes on until it is settled: when it may stop, and what its looks cost."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from pvbench.compare.comparison import compare
from pvbench.compare.question import Question
from pvbench.compare.settled import Looks
from pvbench.report.comparison import document
from pvbench.report.text import render
from pvbench.results.rows import Row
from support.runs import file_of, row_of

NATIVE, PV, XEN = (f"{overlay}x2apic-physical" for overlay in ("", "kvm-pv/", "xen-evtchn/"))
# They spread by some per cent.
BOOTS = tuple(1 + 0.03 * ((7 * n) % 5 - 2) for n in range(40))


def row(stack: str, factor: float, boots: int, **facts: object) -> Row:
    """A noisy series of that many boots; every other takes *factor* times as long."""
    times = [time * (factor if n % 2 else 1 / factor) for n, time in enumerate(BOOTS[:boots])]
    made = row_of("broadcast", stack, *times, clock="wall", **facts)
    return attrs.evolve(made, boots=tuple(range(1, boots + 1)))


def looks(path: Path, max_boots: int = 40) -> Looks:
    """The looks at a file, by sender."""
    return Looks(paths=[path], question=Question(by="sender"), max_boots=max_boots)


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    """A file whose two senders are equal: twenty boots."""
    path = tmp_path / "a.json"
    file_of(path, row(NATIVE, 1, 20), row(PV, 1, 20))
    return path


@pytest.mark.parametrize(
    ("boots", "is_settled"),
    [(1, False), (9, False), (10, True), (19, False), (20, True), (40, True), (80, False)],
)
def test_a_run_may_stop_at_its_looks_only(settled: Path, boots: int, is_settled: bool) -> None:
    """10, 20 and 40 are fixed beforehand."""
    assert looks(settled).settled_after(boots) == is_settled


def test_every_pair_needs_a_verdict(tmp_path: Path) -> None:
    """One that is inconclusive is enough to go on."""
    path = tmp_path / "a.json"
    file_of(path, row(NATIVE, 1, 20), row(PV, 1, 20), row(XEN, 1.5, 20))

    assert not looks(path).settled_after(20)


def test_nothing_measured_is_not_settled(tmp_path: Path) -> None:
    """Neither is a file without pairs."""
    alone = tmp_path / "a.json"
    file_of(alone, row(NATIVE, 1, 20))

    assert not looks(alone).settled_after(10)
    assert not looks(tmp_path / "none.json").settled_after(10)


def interval(max_boots: int | None) -> tuple[float, float]:
    """Of twenty boots that take 10 % more and less in turn."""
    facts = {"max_boots": max_boots} if max_boots else {}
    rows = [row(NATIVE, 1, 20, **facts), row(PV, 1.1, 20, **facts)]
    (pair,) = compare(
        {"a": [attrs.evolve(one, file="a") for one in rows]}, Question(by="sender")
    ).pairs
    assert pair.judged is not None
    assert pair.judged.low is not None
    assert pair.judged.high is not None
    return pair.judged.low, pair.judged.high


def test_the_looks_share_the_error() -> None:
    """A later comparison of the file takes it from there too; one look costs nothing."""
    assert interval(10) == interval(None)
    assert interval(40)[0] < interval(None)[0]
    assert interval(40)[1] > interval(None)[1]


def test_a_comparison_says_at_which_look_the_run_ended() -> None:
    """Without looks it says nothing."""
    rows = [attrs.evolve(row(s, 1, 20, max_boots=40), file="a") for s in (NATIVE, PV)]
    shown = render(document(compare({"a": rows}, Question(by="sender"))), 200)
    plain = [attrs.evolve(row(s, 1, 20), file="a") for s in (NATIVE, PV)]

    assert "verdicts are formed after 10, 20, 40 boots, and share the 5 % of false" in shown
    assert "Looks" not in render(document(compare({"a": plain}, Question(by="sender"))), 200)
