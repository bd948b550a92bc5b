"""A comparison: which pairs a report shows, and in which order."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.compare.comparison import Comparison, compare
from pvbench.compare.question import Question
from pvbench.errors import Status, UsageError
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
OLD = row_of("broadcast", PHYSICAL, 200e-6)


def between(old: list[Row], new: list[Row], **options: Any) -> Comparison:
    """Two files compared."""
    return compare({"old": old, "new": new}, Question(**options))


def family(*times_us: float, **facts: Any) -> list[Row]:
    """Members 1, 2 and so on of a workload family."""
    member = {"family": "fanout", "parameter": "targets"} | facts
    return [
        row_of(f"fanout:{n}", PHYSICAL, time * 1e-6, parameter_value=n, **member)
        for n, time in enumerate(times_us, 1)
    ]


def changes() -> dict[str, list[Row]]:
    """Two files: one case is equal, two are slower, one is faster."""
    after_us = {"equal": 100, "slower": 110, "much-slower": 150, "faster": 10}
    old = [row_of(name, PHYSICAL, 100 * 1e-6) for name in after_us]
    return {
        "old": old,
        "new": [row_of(name, PHYSICAL, time * 1e-6) for name, time in after_us.items()],
    }


def test_pairs_are_shown_by_the_size_of_their_change() -> None:
    """What got worse comes first."""
    shown = compare(changes(), Question()).shown

    assert [pair.after.fact("workload") for pair in shown] == [
        *("much-slower", "slower", "faster", "equal"),
    ]


def test_the_pairs_of_a_side_are_shown_together() -> None:
    """The sides of an axis stay in the order of the file."""
    files = changes()
    sides = [
        row_of(str(row.fact("workload")), CLUSTER if number else PHYSICAL, *row.boots_s)
        for number, rows in enumerate(files.values())
        for row in rows
    ]
    third = [row_of("equal", f"kvm-pv/{PHYSICAL}", 1), *sides]
    shown = compare({"one": third}, Question(by="sender", baseline=PHYSICAL)).shown

    assert [pair.side for pair in shown] == [f"kvm-pv/{PHYSICAL}", *4 * [CLUSTER]]
    assert shown[1].after.fact("workload") == "much-slower"


def test_only_changed_pairs_are_shown_if_that_is_asked_for() -> None:
    """The others are counted, and the exit status is that of all pairs."""
    result = compare(changes(), Question(only_changed=True))

    assert [pair.verdict for pair in result.shown] == ["slower", "slower", "faster"]
    assert (result.hidden, result.status) == ({"equal": 1}, Status.REGRESSION)
    assert compare(changes(), Question()).hidden == {}


def test_a_difference_in_counts_is_a_change_whatever_the_times_say() -> None:
    """Counts are exact on every clock."""
    new = row_of("broadcast", PHYSICAL, 200e-6, icr_writes=5.0)
    result = between([OLD], [new], only_changed=True)

    assert [pair.verdict for pair in result.shown] == ["equal"]


def test_only_families_that_changed_are_shown_if_that_is_asked_for() -> None:
    """A family that is equal throughout is no news."""
    old = [*family(1, 2), *family(1, 2, family="pairs", variant="packed")]
    new = [*family(1, 2), *family(1, 3, family="pairs", variant="packed")]
    names = [row_of(f"{row.fact('family')}{n}", PHYSICAL, 1) for n, row in enumerate(old)]
    files = [
        [
            attrs.evolve(row, facts=row.facts | {"workload": name.fact("workload")})
            for row, name in zip(rows, names, strict=True)
        ]
        for rows in (old, new)
    ]
    all_shown = between(*files).shown_crossovers
    changed = between(*files, only_changed=True).shown_crossovers

    assert [one.family for one in all_shown] == ["fanout", "pairs packed"]
    assert [one.family for one in changed] == ["pairs packed"]


def test_a_prediction_is_shown_in_the_order_of_its_file() -> None:
    """Nothing is ranked."""
    files = changes()
    measured = [
        attrs.evolve(row, facts=row.facts | {"exactness": "noisy", "clock": "tsc"})
        for row in files["old"]
    ]
    result = compare({"old": measured, "new": files["new"]}, Question(beside=True))

    assert result.shown == result.pairs
    with pytest.raises(UsageError, match="gives no verdicts"):
        Question(beside=True, only_changed=True)
