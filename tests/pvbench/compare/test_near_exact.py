"""Comparisons of near-exact results: kernels by path length, senders by counts only."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.compare.comparison import Comparison, compare
from pvbench.compare.outcomes import Outcome
from pvbench.compare.question import Question
from pvbench.errors import Status
from pvbench.report import comparison as report
from pvbench.report import text
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL = "x2apic-physical"
OVERLAID = f"kvm-pv/{PHYSICAL}"
OLD, NEW = "lab:6.1", "lab:6.12"


def emulated(site: str, *boots_s: float, stack: str = PHYSICAL, **facts: Any) -> Row:
    """A result of the clock `icount`."""
    clock = {"clock": "icount", "exactness": "near-exact", "delivery": "kvm"}
    row = row_of("broadcast", stack, *boots_s, costs="measured", site=site, **(clock | facts))
    case = f"norov.broadcast {stack} kvm@{site} measured"
    numbers = tuple(range(1, len(boots_s) + 1))
    return attrs.evolve(row, name=f"{case} {row.fact('series')}", boots=numbers)


def kernels(*after: Row, outcomes: dict[str, Outcome] | None = None) -> Comparison:
    """6.1 with a path length of 35.0 us, against the rows of 6.12."""
    before = [emulated(OLD, 35.0e-6, 35.01e-6)]
    files = {"old.json": before, "new.json": list(after)}
    return compare(files, Question(), outcomes={"old.json": {}, "new.json": outcomes or {}})


def shown(comparison: Comparison) -> str:
    """The comparison as text."""
    return text.render(report.document(comparison), 500)


@pytest.mark.parametrize(
    ("after_s", "verdict", "status"),
    [
        pytest.param((38.5e-6, 38.5e-6), "longer", Status.REGRESSION, id="longer"),
        pytest.param((30.0e-6, 30.1e-6), "shorter", Status.OK, id="shorter"),
        pytest.param((35.0e-6, 35.0e-6), "equivalent", Status.OK, id="equivalent"),
        pytest.param((35.0e-6, 36.0e-6), "inconclusive", Status.INCONCLUSIVE, id="one-boot"),
    ],
)
def test_kernels_are_compared_by_the_path_length_of_one_sender(
    after_s: tuple[float, ...], verdict: str, status: Status
) -> None:
    """Two files need no option for it, although their sites differ."""
    result = kernels(emulated(NEW, *after_s))

    assert [pair.verdict for pair in result.pairs] == [verdict]
    assert (result.status, result.unpaired, result.noisy) == (status, (), ())


def test_a_longer_path_is_printed_as_such() -> None:
    """A path length has no speed."""
    printed = shown(kernels(emulated(NEW, 38.5e-6, 38.5e-6)))

    assert "change of path length" in printed
    assert "longer by 10.0 %" in printed
    assert "speed ratio" not in printed
    assert "statistic: median path length" in printed
    assert "longer or shorter if all differ by more than 0.5 % in that direction" in printed
    assert f"differs: site: {OLD} | {NEW}" in printed


def test_an_inconclusive_comparison_says_by_how_much_its_boots_differ() -> None:
    """More boots may decide a small difference."""
    printed = shown(kernels(emulated(NEW, 35.0e-6, 35.0625e-6)))

    assert "1 pair is inconclusive: boots differ by up to 0.15 %." in printed


def test_the_limits_of_an_emulator_are_no_remarks_about_a_comparison() -> None:
    """They are the same on both sides, and ``show`` prints them for each file."""
    facts = {"note_1": "The processor is emulated.", "caveat": "no AVIC"}
    sides = {name: [emulated(name, 35e-6, **facts)] for name in (OLD, NEW)}

    assert compare(sides, Question()).remarks == ()


@pytest.mark.parametrize(
    ("limit", "status"),
    [(5, Status.REGRESSION), (10, Status.INCONCLUSIVE), (15, Status.OK)],
)
def test_the_limit_of_a_gate_is_compared_with_the_range(limit: float, status: Status) -> None:
    """10 % longer, give or take 0.5 %."""
    after = emulated(NEW, 38.5e-6, 38.511e-6)
    files = {"old.json": [emulated(OLD, 35.0e-6, 35.01e-6)], "new.json": [after]}

    assert compare(files, Question(fail_above_percent=limit)).status is status


def test_the_sites_of_one_command_can_be_compared_too() -> None:
    """``--by site``, with the names that ``run --site`` takes."""
    rows = [emulated(OLD, 35.0e-6), emulated(NEW, 38.5e-6)]
    (pair,) = compare({"a.json": rows}, Question(by="site", baseline=OLD)).pairs

    assert (pair.baseline, pair.side, pair.verdict) == (OLD, NEW, "longer")


def test_senders_are_compared_by_counts_only() -> None:
    """An emulator's time for an exit says nothing about a processor's."""
    rows = [
        emulated(OLD, 240e-6, icr_writes=79.0),
        emulated(OLD, 180e-6, stack=OVERLAID, icr_writes=0.0, hypercalls=1.0),
    ]
    result = compare({"a.json": rows}, Question(by="sender"))
    (pair,) = result.pairs
    printed = shown(result)

    assert (pair.verdict, pair.is_changed, pair.slowdown) == ("", True, None)
    assert "79w -> 1h" in printed
    assert "1 pair is compared by counts only: an emulator's times say nothing" in printed
    assert not {"verdict", "longer", "shorter", "change of", "ratio"} & {*printed.split()}
    assert result.status is Status.OK


def test_pairs_of_senders_stay_in_the_order_of_their_file() -> None:
    """No time orders them."""
    rows = [
        emulated(OLD, time_s, stack=stack, series=series)
        for stack in (PHYSICAL, OVERLAID)
        for series, time_s in (("send", 1e-6), ("ack", 9e-6 if "/" in stack else 1e-6))
    ]
    result = compare({"a.json": rows}, Question(by="sender", series="all"))

    assert [pair.before.fact("series") for pair in result.shown] == ["send", "ack"]


def test_a_side_of_other_senders_is_inconclusive() -> None:
    """A gate asks for a decision, and path lengths of two senders give none."""
    session = ("s", "s")
    sides = {
        name: [
            attrs.evolve(emulated(OLD, 1e-6, 1e-6, stack=stack), sessions=session, file=name)
        ]
        for name, stack in (("a.json", PHYSICAL), ("b.json", OVERLAID))
    }
    result = compare(sides, Question())

    assert [pair.verdict for pair in result.pairs] == [""]
    assert result.status is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("of_host", "status"), [(True, Status.INCONCLUSIVE), (False, Status.REGRESSION)]
)
def test_the_outcome_of_a_case_is_read_although_its_name_has_another_site(
    of_host: bool, status: Status
) -> None:
    """The case is void on the other kernel, which is worse than slow, or the host's error."""
    case = emulated(NEW, 1.0).case
    other = emulated(NEW, 1e-6, stack=OVERLAID)
    result = kernels(other, outcomes={case: Outcome("void", "twice", of_host=of_host)})
    void = next(series for series in result.unpaired if series.verdict)

    assert (void.name, void.verdict, void.detail) == (case, "void", "void: twice")
    assert result.status is status


def test_a_case_that_is_void_on_both_kernels_is_not_new() -> None:
    """Neither file has a result of it, so nothing became worse."""
    void = Outcome("void", "twice")
    files = {"a.json": [emulated(OLD, 35e-6)], "b.json": [emulated(NEW, 35e-6)]}
    names = (emulated(site, 1.0, stack=OVERLAID).case for site in (OLD, NEW))
    outcomes = {file: {name: void} for file, name in zip(files, names, strict=True)}
    result = compare(files, Question(), outcomes=outcomes)

    assert (result.unpaired, result.status) == ((), Status.OK)


@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        pytest.param([emulated(OLD, 1e-6), emulated(NEW, 1e-6)], 1, id="two-sites-in-a-file"),
        pytest.param([], 0, id="no-rows"),
    ],
)
def test_a_file_of_several_sites_is_compared_site_by_site(rows: list[Row], pairs: int) -> None:
    """Only the same site makes a pair then."""
    result = compare({"a.json": [emulated(OLD, 1e-6)], "b.json": rows}, Question())

    assert len(result.pairs) == pairs


# whether the code in which the kernels differ was executed

NOT_REACHED = {
    "reach": "not reached",
    "reach_note": "Not exercised here: none of the functions with other code ran: apic_foo().",
}
REACHED = {"reach": "reached", "reach_note": "These functions with other code ran: apic_foo()."}


def session_of(after_s: float, **facts: Any) -> tuple[Row, Row]:
    """Two sides of `pvbench ab`; side b has more facts, which an option may take away."""
    before = emulated(OLD, 35.0e-6, 35.0e-6)
    after = emulated(NEW, after_s, after_s, **facts)
    one, other = (
        attrs.evolve(row, file=file, sessions=("s", "s"))
        for row, file in ((before, "a.json"), (after, "b.json"))
    )
    return one, other


def sides(before: Row, after: Row, question: Question | None = None) -> Comparison:
    """The comparison of two files with a row each."""
    return compare({"a.json": [before], "b.json": [after]}, question or Question())


@pytest.mark.parametrize(
    ("after_s", "facts", "verdict", "status"),
    [
        pytest.param(35e-6, NOT_REACHED, "not exercised", Status.INCONCLUSIVE, id="equal"),
        pytest.param(35.1e-6, NOT_REACHED, "not exercised", Status.INCONCLUSIVE, id="near"),
        pytest.param(40e-6, NOT_REACHED, "longer", Status.REGRESSION, id="longer"),
        pytest.param(
            35e-6, NOT_REACHED | {"icr_writes": 9}, "equivalent", Status.OK, id="other-counts"
        ),
        pytest.param(35e-6, REACHED, "equivalent", Status.OK, id="reached"),
        pytest.param(35e-6, {"reach": "unknown"}, "equivalent", Status.OK, id="unknown"),
    ],
)
def test_code_that_did_not_run_is_never_called_equal(
    after_s: float, facts: dict[str, Any], verdict: str, status: Status
) -> None:
    """A difference is one all the same, of the path or of the counts."""
    result = sides(*session_of(after_s, **facts))

    assert ([pair.verdict for pair in result.pairs], result.status) == ([verdict], status)


def test_code_that_did_not_run_passes_no_gate() -> None:
    """Also with a limit that its path length is below."""
    result = sides(*session_of(35e-6, **NOT_REACHED), Question(fail_above_percent=10))

    assert result.status == Status.INCONCLUSIVE


def test_what_ran_is_said_above_the_verdicts() -> None:
    """Of either side, in whichever order they are compared."""
    before, after = session_of(35e-6, **NOT_REACHED)
    for one, other in ((before, after), (after, before)):
        printed = shown(compare({one.file: [one], other.file: [other]}, Question()))

        assert printed.count("none of the functions with other code ran: apic_foo().") == 1
        assert printed.index("Not exercised here") < printed.index("not exercised")


def test_guests_that_differ_in_what_ran_are_named() -> None:
    """A sentence for each set of guests."""
    reached = {"dense:2": NOT_REACHED, "dense:3": NOT_REACHED, "dense:8": REACHED}
    before, after = session_of(35e-6)
    a, b = (
        [
            attrs.evolve(row, name=f"{guest} {row.name}", facts=row.facts | facts)
            for guest in reached
            for facts in [{"guest": guest} | (reached[guest] if row is after else {})]
        ]
        for row in (before, after)
    )
    printed = shown(compare({"a.json": a, "b.json": b}, Question()))

    assert f"Guests dense:2, dense:3: {NOT_REACHED['reach_note']}" in printed
    assert f"Guests dense:8: {REACHED['reach_note']}" in printed


def test_what_ran_says_nothing_about_other_runs() -> None:
    """Only the sides of one session differ in that code."""
    before, after = session_of(35e-6, **NOT_REACHED)
    result = sides(attrs.evolve(before, sessions=("t", "t")), after)

    assert [pair.verdict for pair in result.pairs] == ["equivalent"]
    assert "exercised" not in shown(result)
