"""Crossovers: the parameters of a workload family at which the verdict changes."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.compare import crossover, matching
from pvbench.compare.axis import by_axis
from pvbench.compare.crossover import Crossover
from pvbench.compare.pairs import Pair
from pvbench.document import Document
from pvbench.report import csv
from pvbench.report.crossovers import crossings
from pvbench.report.pairs import ranking
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
PV = f"kvm-pv/{PHYSICAL}"


def member(value: int, stack: str, time_s: float, **facts: Any) -> Row:
    """A member of the family fanout."""
    family = {"family": "fanout", "parameter": "targets", "parameter_value": value}
    variant = facts.setdefault("variant", "packed")
    return row_of(f"fanout:{value}:{variant}", stack, time_s, **(family | facts))


def line(stack: str, times_us: dict[int, float], **facts: Any) -> list[Row]:
    """The times of one stack by the parameter of the family."""
    return [member(v, stack, us * 1e-6, **facts) for v, us in times_us.items()]


def along(rows: list[Row], axis: str, baseline: str | None) -> tuple[Pair, ...]:
    """The pairs of one file along *axis*."""
    return by_axis({"file": rows}, axis, baseline).pairs


def crossovers_of(
    *rows: Row, axis: str = "sender", baseline: str | None = None
) -> list[Crossover]:
    """The crossovers of *rows* along *axis*."""
    return crossover.crossovers(along(list(rows), axis, baseline))


BASE = line(PHYSICAL, {1: 1, 2: 2, 4: 4, 8: 8})


@pytest.mark.parametrize(
    ("times_us", "stretches", "sentence"),
    [
        pytest.param(
            {1: 0.5, 2: 1, 4: 2, 8: 4}, [("faster", 1, 8)], "faster from 1 to 8", id="always"
        ),
        pytest.param(
            {1: 2, 2: 3, 4: 5, 8: 9}, [("slower", 1, 8)], "slower from 1 to 8", id="never"
        ),
        pytest.param(
            {1: 1, 2: 2, 4: 4, 8: 8}, [("equal", 1, 8)], "equal from 1 to 8", id="no-matter"
        ),
        pytest.param(
            {1: 3, 2: 3, 4: 3, 8: 3},
            [("slower", 1, 2), ("faster", 4, 8)],
            "slower from 1 to 2, faster from 4 on (to 8)",
            id="one-change",
        ),
        pytest.param(
            {1: 2, 2: 1, 4: 5, 8: 1},
            [("slower", 1, 1), ("faster", 2, 2), ("slower", 4, 4), ("faster", 8, 8)],
            "slower at 1, faster at 2, slower at 4, faster at 8",
            id="several-changes",
        ),
        pytest.param(
            {1: 1, 2: 2, 4: 3, 8: 9},
            [("equal", 1, 2), ("faster", 4, 4), ("slower", 8, 8)],
            "equal from 1 to 2, faster at 4, slower at 8",
            id="equal-is-a-verdict",
        ),
        pytest.param({2: 1, 8: 9}, [("faster", 2, 2), ("slower", 8, 8)], "", id="some-only"),
        pytest.param({8: 9, 1: 2}, [("slower", 1, 8)], "slower from 1 to 8", id="any-order"),
    ],
)
def test_a_crossover_is_a_list_of_stretches(
    times_us: dict[int, float], stretches: list[tuple[str, int, int]], sentence: str
) -> None:
    """A stretch has a verdict, and the first and the last value that were run."""
    (crossover_found,) = crossovers_of(*BASE, *line(PV, times_us))

    assert crossover_found.stretches == tuple(stretches)
    assert next(crossings([crossover_found])) == (
        f"fanout packed on dense:80, wall, against {PHYSICAL}, by targets:"
    )
    if sentence:
        assert list(crossings([crossover_found]))[1:] == [f"  {sentence}: {PV}"]


def test_a_member_that_loses_ipis_is_a_stretch_of_its_own() -> None:
    """It has no time, but a verdict; another sender that loses IPIs does not matter."""
    pairs = along([*BASE, *line(PV, {1: 0.5, 2: 1})], "sender", None)
    lossy = [member(v, PV, 1e-6, series="send", lost=3) for v in (4, 8)]
    other = member(1, CLUSTER, 1e-6, series="send", lost=3)
    (crossover_found,) = crossover.crossovers(pairs, [*lossy, other])

    assert crossover_found.stretches == (("faster", 1, 2), ("loses", 4, 8))
    assert crossover_found.values == (1, 2, 4, 8)


def test_values_are_ordered_as_numbers() -> None:
    """As numbers, 16 comes after 2."""
    base = line(PHYSICAL, {16: 9, 2: 9, 128: 9})
    (crossover_found,) = crossovers_of(*base, *line(PV, {2: 10, 16: 10, 128: 1}))

    assert crossover_found.stretches == (("slower", 2, 16), ("faster", 128, 128))


def test_pairs_without_a_verdict_are_in_no_crossover() -> None:
    """Nothing is known about where it changes."""
    rows = [*line(PHYSICAL, {1: 1, 2: 2}, clock="wall"), *line(PV, {1: 2, 2: 1}, clock="wall")]

    assert crossovers_of(*rows) == []


@pytest.mark.parametrize(
    ("before", "after"), [("model", "wall"), ("wall", "model"), ("wall", "wall")]
)
def test_times_of_which_one_is_noisy_are_not_ranked(before: str, after: str) -> None:
    """`--beside` pairs them, and gives no verdict in either direction."""
    sides = [row_of("broadcast", PHYSICAL, 1e-6, clock=clock) for clock in (before, after)]
    pair = Pair(baseline="a", side="b", before=sides[0], after=sides[1])

    assert pair.verdict == ""


def test_one_member_of_a_family_has_no_crossover() -> None:
    """A workload without a family has none either."""
    single = [row_of("broadcast", stack, 1e-6) for stack in (PHYSICAL, PV)]

    assert crossovers_of(*BASE, *line(PV, {4: 1}), *single) == []


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"guest": "dense:8", "apic_ids": "0-7"}, id="guest"),
        pytest.param({"series": "ack"}, id="series"),
        pytest.param({"variant": "spread"}, id="variant"),
        pytest.param({"target_state": "running"}, id="target-state"),
        pytest.param({"linux": "5.4"}, id="linux"),
        pytest.param({"host_cpus": 2}, id="host-cpus"),
        pytest.param({"guest_bits": 32}, id="bits"),
    ],
)
def test_cases_that_differ_have_separate_crossovers(facts: dict[str, Any]) -> None:
    """Each has its own line under its own heading, because the verdicts differ."""
    rows = [*BASE, *line(PV, {1: 2, 8: 1})]
    others = [*line(PHYSICAL, {1: 1, 8: 8}, **facts), *line(PV, {1: 0.5, 8: 1}, **facts)]
    pairs = along([*rows, *others], "sender", PHYSICAL)
    crossover_found, other = crossover.crossovers(pairs)
    lines = list(crossings([crossover_found, other]))
    table = csv.render(Document([ranking(pairs, by="sender")])).splitlines()

    assert crossover_found.stretches == (("slower", 1, 1), ("faster", 8, 8))
    assert other.stretches == (("faster", 1, 8),)
    assert [text.startswith("  ") for text in lines] == [False, True, False, True]
    assert lines[0] != lines[2]
    looks = [",".join(text.split(",")[:-6]) for text in table]
    assert len(set(looks)) == len(looks)


def test_profiles_are_kept_apart_and_can_be_compared() -> None:
    """By cost profile: each stack against itself, the side named by its content."""
    other = {"costs": "epyc-rome-avic", "costs_sha256": "beef0000" + 56 * "0"}
    rows = [
        *(*line(PHYSICAL, {1: 1, 2: 2}), *line(PV, {1: 1, 2: 2})),
        *(*line(PHYSICAL, {1: 2, 2: 1}, **other), *line(PV, {1: 1, 2: 1}, **other)),
    ]
    crossovers = crossovers_of(*rows, axis="costs")

    assert [
        (crossover_found.stack, crossover_found.side, crossover_found.stretches)
        for crossover_found in crossovers
    ] == [
        (PHYSICAL, "epyc-rome-avic beef0000", (("slower", 1, 1), ("faster", 2, 2))),
        (PV, "epyc-rome-avic beef0000", (("equal", 1, 1), ("faster", 2, 2))),
    ]
    assert list(crossings(crossovers)) == [
        f"fanout packed on dense:80, {PHYSICAL}, wall, against skylake-2018 1e95a277, by "
        "targets:",
        "  slower at 1, faster at 2: epyc-rome-avic beef0000",
        f"fanout packed on dense:80, {PV}, wall, against skylake-2018 1e95a277, by targets:",
        "  equal at 1, faster at 2: epyc-rome-avic beef0000",
    ]


def test_guests_can_be_compared() -> None:
    """The head names the stack and the baseline's guest."""
    other = {"guest": "sparse:80:2", "apic_ids": "0-158:2"}
    (crossover_found,) = crossovers_of(
        *BASE, *line(PHYSICAL, {1: 1, 8: 9}, **other), axis="guest"
    )

    assert list(crossings([crossover_found])) == [
        f"fanout packed on dense:80, {PHYSICAL}, wall, against dense:80, by targets:",
        "  equal at 1, slower at 8: sparse:80:2",
    ]


def test_the_stacks_of_two_files_are_kept_apart() -> None:
    """Their sides have the same name, so only the stack identifies them."""
    old = [*line(PHYSICAL, {1: 1, 2: 2}), *line(CLUSTER, {1: 1, 2: 2})]
    new = [*line(PHYSICAL, {1: 2, 2: 1}), *line(CLUSTER, {1: 1, 2: 1})]
    pairs = matching.across_files({"old": old, "new": new}).pairs

    assert list(crossings(crossover.crossovers(pairs))) == [
        f"fanout packed on dense:80, {PHYSICAL}, wall, against old, by targets:",
        "  slower at 1, faster at 2: new",
        f"fanout packed on dense:80, {CLUSTER}, wall, against old, by targets:",
        "  equal at 1, faster at 2: new",
    ]


def test_three_files_have_two_sides() -> None:
    """Sides with the same verdicts are in one line."""
    lines = [line(PHYSICAL, {1: us, 2: us}) for us in (2, 1, 1)]
    pairs = matching.across_files(dict(zip(("a", "b", "c"), lines, strict=True))).pairs

    assert list(crossings(crossover.crossovers(pairs)))[1:] == ["  faster from 1 to 2: b, c"]


def test_a_family_with_a_number_alone_has_no_variant() -> None:
    """It is printed by its name only."""
    rows = [*line(PHYSICAL, {1: 1, 2: 1}, variant=None), *line(PV, {1: 2, 2: 2}, variant=None)]

    assert crossovers_of(*rows)[0].family == "fanout"
