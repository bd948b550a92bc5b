"""Noise: what is found where nothing differs, and what whole runs are allowed to differ by."""

from __future__ import annotations

import math

import attrs
import pytest

from pvbench.compare.judging import judged
from pvbench.compare.margin import Margins
from pvbench.compare.noise import (
    Allowances,
    AllowancesOfRuns,
    SeriesNoise,
    median_and_worst,
    of_sessions,
    series_noise,
)
from pvbench.compare.pairs import Pair
from pvbench.results.noise import Line, conditions_of, key
from pvbench.results.rows import Row
from support.runs import row_of

TIMES = (1.0, 1.1, 1.0, 0.9, 1.0, 1.1)
PLAN = {"effort": {"slices": 4, "loops": 100, "warmup": 10, "slice_s": 0.25}}


def row(
    file: str, times: tuple[float, ...] = TIMES, *, session: str = "s", **facts: object
) -> Row:
    """A series on a noisy clock."""
    made = row_of("broadcast", "x2apic-physical", *times, clock="wall", **facts)
    boots = tuple(range(1, len(times) + 1))
    return attrs.evolve(made, file=file, boots=boots, sessions=len(boots) * (session,))


def pair(before: Row, after: Row) -> Pair:
    """A pair of both."""
    return Pair(baseline="a", side="b", before=before, after=after)


def test_the_spread_is_that_of_the_log_ratios_of_pairs() -> None:
    """Boots 1 and 2 differ by plus and minus 10 %, the others not at all."""
    after = (TIMES[0] * math.exp(0.1), TIMES[1] * math.exp(-0.1), *TIMES[2:])
    pairs = judged([pair(row("a"), row("b", after))], Margins(), lambda before, after: None)
    (one,) = series_noise(pairs)

    assert (one.boots, one.verdict) == (6, "inconclusive")
    assert one.spread == pytest.approx(math.sqrt(0.02 / 5))
    assert one.finds is not None
    assert one.finds > 0.05


def test_one_pair_of_boots_has_no_spread() -> None:
    """It detects no difference."""
    (one,) = series_noise([pair(row("a", (1.0,)), row("b", (2.0,)))])

    assert (one.boots, one.spread, one.finds) == (1, None, None)


def test_files_without_pairs_of_boots_have_no_spread() -> None:
    """They were not interleaved."""
    (one,) = series_noise([pair(row("a"), row("b", session=""))])

    assert (one.boots, one.spread) == (0, None)


def test_exact_clocks_have_no_noise() -> None:
    """Their times repeat themselves."""
    exact = row_of("broadcast", "x2apic-physical", 1.0)

    assert series_noise([pair(exact, exact)]) == []


@pytest.mark.parametrize(
    ("verdict", "is_false"),
    [("faster", True), ("slower", True), ("equivalent", False), ("inconclusive", False)],
)
def test_a_verdict_that_finds_a_difference_is_false(verdict: str, is_false: bool) -> None:
    """Nothing differs."""
    one = SeriesNoise(name="x", verdict=verdict, boots=10, spread=0.1, finds=0.1)

    assert one.is_false == is_false


def test_median_and_worst_leave_out_unknown_values() -> None:
    """Without any value there is neither of them."""
    assert median_and_worst([0.1, None, 0.3, 0.2]) == (0.2, 0.3)
    assert median_and_worst([None]) is None


# allowances


def session(ratio: float, like: Row, **changes: object) -> Line:
    """A session whose runs differed by *ratio* in the series of *like*."""
    conditions = attrs.asdict(conditions_of(like.facts, PLAN, len(like.boots_s)))
    line = Line(kind="runs", values={key(like.name, like.statistic): ratio}, **conditions)
    return attrs.evolve(line, **changes)  # type: ignore[arg-type]


def test_an_allowance_is_the_rms_of_the_sessions() -> None:
    """Sessions that did not measure the series do not count."""
    lines = [session(0.03, row("a")), session(-0.04, row("a"))]
    one = of_sessions([*lines, attrs.evolve(lines[0], values={})], row("a"))

    assert one is not None
    assert one.rms_log_ratio == pytest.approx(math.sqrt(0.0025 / 2))
    assert one.sessions == 2
    assert of_sessions(lines, attrs.evolve(row("a"), name="another series")) is None
    assert of_sessions(lines, attrs.evolve(row("a"), statistic="p99")) is None


def test_two_files_of_the_host_and_the_effort_of_the_sessions_have_it() -> None:
    """Their series is measured, their plans are known."""
    a, b = row("a"), row("b")
    allowances = Allowances(lines=(session(0.03, a),), plans={"a": PLAN, "b": PLAN})

    assert allowances.of(a, b) is not None


OTHER_EFFORT = {"effort": {**PLAN["effort"], "loops": 5}}


@pytest.mark.parametrize(
    ("after", "plans"),
    [
        pytest.param(row("b", host_cpu_model="Epyc"), {"a": PLAN, "b": PLAN}, id="host"),
        pytest.param(row("b"), {"a": PLAN, "b": OTHER_EFFORT}, id="effort"),
        pytest.param(row("b"), {"a": OTHER_EFFORT, "b": OTHER_EFFORT}, id="both-efforts"),
        pytest.param(row("b"), {}, id="no-journals"),
        pytest.param(row("b", TIMES[:-1]), {"a": PLAN, "b": PLAN}, id="fewer-boots"),
        pytest.param(row("a"), {"a": PLAN}, id="one-file"),
        pytest.param(attrs.evolve(row("b"), name="x"), {"a": PLAN, "b": PLAN}, id="series"),
    ],
)
def test_other_results_have_no_allowance(
    after: Row, plans: dict[str, dict[str, object]]
) -> None:
    """They may differ by more."""
    a = row("a")

    assert Allowances(lines=(session(0.03, a),), plans=plans).of(a, after) is None


def test_the_allowances_of_many_runs_are_those_of_each_two() -> None:
    """Each two of these differ in what an allowance depends on, or in nothing."""
    rows = [
        *(row("a"), row("b"), row("c", host_cpu_model="Epyc"), row("d", TIMES[:-1])),
        *(attrs.evolve(row("e"), name="x"), attrs.evolve(row("f"), statistic="p99")),
        *(row("a", host="h1"), row("a", host="h2", host_smt="on"), row("other effort")),
    ]
    plans = dict.fromkeys("abcdef", PLAN) | {"other effort": OTHER_EFFORT}
    allowances = Allowances(lines=(session(0.03, rows[0]),), plans=plans)
    of_runs = AllowancesOfRuns(allowances=allowances)
    pairs = [(one, other) for one in rows for other in rows] * 2

    expected = [allowances.of(*both) for both in pairs]
    assert [of_runs.of(*both) for both in pairs] == expected
    assert len({one is None for one in expected}) == 2
