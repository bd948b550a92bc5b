"""A comparison: what follows from files and a question about them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.compare.comparison import Comparison, Remark, compare
from pvbench.compare.margin import Margin, Margins
from pvbench.compare.question import ALL_SERIES, Question
from pvbench.errors import Status, UsageError
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
OLD = row_of("broadcast", PHYSICAL, 200e-6)
FASTER = row_of("broadcast", PHYSICAL, 100e-6)
SLOWER = row_of("broadcast", PHYSICAL, 300e-6)


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"fail_above_percent": -1}, "--fail-above -1 is", id="negative"),
        pytest.param({"fail_above_percent": float("nan")}, "--fail-above nan is", id="nan"),
        pytest.param({"fail_above_percent": float("inf")}, "--fail-above inf", id="infinite"),
        pytest.param(
            {"fail_above_percent": 1, "beside": True}, "gives no verdicts", id="beside"
        ),
        pytest.param({"baseline": "native"}, "--baseline needs --by", id="baseline"),
    ],
)
def test_a_question_that_contradicts_itself_is_refused(
    options: dict[str, Any], message: str
) -> None:
    """Before a file is read."""
    with pytest.raises(UsageError, match=message):
        Question(**options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, (2, True), id="files"),
        pytest.param({"by": "sender"}, (1, False), id="axis"),
        pytest.param({"beside": True}, (2, False), id="prediction"),
    ],
)
def test_an_axis_needs_one_file_only(
    options: dict[str, Any], expected: tuple[int, bool]
) -> None:
    """Its sides can stand in the same file."""
    question = Question(**options)

    assert (question.files_needed, question.across_files) == expected


@pytest.mark.parametrize(
    ("new", "status"),
    [
        pytest.param([FASTER], Status.OK, id="faster"),
        pytest.param([SLOWER], Status.REGRESSION, id="slower"),
        pytest.param([], Status.REGRESSION, id="missing"),
    ],
)
def test_between_files_a_slower_case_is_a_regression(new: list[Row], status: Status) -> None:
    """The first file is the baseline."""
    assert between([OLD], new).status is status


def test_a_comparison_of_senders_has_no_regression() -> None:
    """The exit status is that of a question, not of a check."""
    slower = row_of("broadcast", CLUSTER, 300e-6)
    result = compare({"one": [OLD, slower]}, Question(by="sender"))

    assert [pair.verdict for pair in result.pairs] == ["slower"]
    assert result.status is Status.OK


def test_a_comparison_along_an_axis_without_pairs_measures_nothing() -> None:
    """The exit status is 3."""
    assert compare({"one": [OLD]}, Question(by="sender")).status is Status.NOTHING_MEASURED


def test_a_stale_file_makes_a_comparison_inconclusive() -> None:
    """The measured software is not the installed one; a regression stays one."""
    equal, slower = {"old": [OLD], "new": [OLD]}, {"old": [OLD], "new": [SLOWER]}

    assert compare(equal, Question(), ["a is stale"]).status is Status.INCONCLUSIVE
    assert compare(slower, Question(), ["a is stale"]).status is Status.REGRESSION


def test_only_the_series_asked_for_is_compared() -> None:
    """The user may also ask for all of them."""
    two_series = [OLD, row_of("broadcast", PHYSICAL, 1e-6, series="send")]

    assert [pair.before.fact("series") for pair in between(two_series, two_series).pairs] == [
        "wall"
    ]
    assert len(between(two_series, two_series, series="send").pairs) == 1
    assert len(between(two_series, two_series, series=ALL_SERIES).pairs) == 2


def test_a_prediction_has_neither_verdicts_nor_crossovers() -> None:
    """Residuals are not a ranking, and a cost profile is not a difference."""
    measured = family(2, 1, clock="tsc", costs="measured")
    result = between(measured, family(1, 2), beside=True)

    assert [pair.judged for pair in result.pairs] == [None, None]
    assert (result.crossovers, result.status) == ((), Status.OK)
    assert "costs" not in {difference.fact for difference in result.differences}


def test_a_ranking_has_crossovers() -> None:
    """Where the verdict changes along the parameter of a family."""
    (crossover,) = between(family(1, 2), family(2, 1)).crossovers

    assert crossover.stretches == (("slower", 1, 1), ("faster", 2, 2))


def test_cases_are_compared_over_all_series() -> None:
    """A file that lacks the series to compare has its axes nevertheless."""
    lossy = row_of("broadcast", PHYSICAL, 1e-6, series="send", lost=32)

    assert {difference.fact for difference in between([OLD], [lossy]).differences} == {"series"}


def test_software_is_compared_over_all_series() -> None:
    """A sender that is not compared in this series was made by some software too."""
    sent = row_of("broadcast", CLUSTER, 1e-6, series="send")
    by_other = row_of("broadcast", CLUSTER, 1e-6, series="send", sender_plugin="acme 2")
    result = between([OLD, sent], [OLD, by_other])

    assert {difference.fact: difference.values for difference in result.differences} == {
        "sender_plugin": ("pvbench 0.1.0", "acme 2, pvbench 0.1.0")
    }


def test_a_remark_about_both_files_is_printed_once() -> None:
    """With the names of both; the notes of a delivery are remarks too."""
    old = row_of("broadcast", PHYSICAL, 1e-6, source="a guest", caveat="emulated")
    new = row_of("broadcast", PHYSICAL, 1e-6, caveat="emulated", note_1="TSCs differ.")

    assert between([old], [new]).remarks == (
        Remark("a guest", ("old",)),
        Remark("emulated", ("old", "new")),
        Remark("TSCs differ.", ("new",)),
    )


def of_shared_boots(slowdown: float, **options: Any) -> Comparison:
    """Two drivers that shared eight boots; the second takes *slowdown* times as long."""
    boots = [1e-6 * (1 + boot / 1000) for boot in range(8)]
    rows = [
        attrs.evolve(
            row_of("broadcast", driver, *(scale * boot for boot in boots), clock="tsc"),
            boots=tuple(range(8)),
            file="a.json",
        )
        for driver, scale in ((PHYSICAL, 1), (CLUSTER, slowdown))
    ]
    return compare({"a.json": rows}, Question(by="driver", **options))


def test_pairs_on_a_noisy_clock_are_judged() -> None:
    """By the statistics of their boots."""
    result = of_shared_boots(1)

    assert [pair.verdict for pair in result.pairs] == ["equivalent"]
    assert result.noisy == result.pairs
    assert between([OLD], [OLD]).noisy == ()


def test_the_margin_of_the_question_decides_what_is_equivalent() -> None:
    """A slowdown of 10 % is equivalent within 20 %."""
    verdicts = [
        [
            pair.verdict
            for pair in of_shared_boots(1.1, margins=Margins((Margin(margin),))).pairs
        ]
        for margin in (2, 20)
    ]

    assert verdicts == [["slower"], ["equivalent"]]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(None, Status.OK, id="no-gate"),
        pytest.param(5, Status.REGRESSION, id="above"),
        pytest.param(20, Status.OK, id="below"),
    ],
)
def test_along_an_axis_a_limit_makes_a_gate(limit: float | None, expected: Status) -> None:
    """Without one the verdicts of an axis answer a question and change no exit status."""
    assert of_shared_boots(1.1, fail_above_percent=limit).status is expected
