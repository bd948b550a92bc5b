"""Cases that got worse than slow, and series that cannot be compared."""

from __future__ import annotations

import pytest

from pvbench.compare.comparison import Comparison, compare
from pvbench.compare.outcomes import Outcome
from pvbench.compare.question import ALL_SERIES, Question
from pvbench.compare.unpaired import Reason, Unpaired
from pvbench.errors import Status
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
OLD = row_of("broadcast", PHYSICAL, 200e-6)
CASE = OLD.name.removesuffix(" wall")
VOID = Outcome("void", "slow")


def lossy(lost: int) -> Row:
    """The same case, which loses IPIs and so has a time to send only."""
    return row_of("broadcast", PHYSICAL, 1e-6, series="send", lost=lost)


def between(
    old: list[Row],
    new: list[Row],
    before: dict[str, Outcome] | None = None,
    after: dict[str, Outcome] | None = None,
    series: str = "wall",
) -> Comparison:
    """Two files compared, with the cases that have no result in them."""
    outcomes = {"old": before or {}, "new": after or {}}
    return compare({"old": old, "new": new}, Question(series=series), outcomes=outcomes)


def test_a_case_that_loses_ipis_now_is_a_regression() -> None:
    """It has no time to acknowledgement any more: its send series tells why."""
    result = between([OLD], [lossy(32)])

    assert result.unpaired == (
        Unpaired(
            name=CASE,
            file="new",
            reason=Reason.LOST,
            detail="loses 32 of 79 IPIs",
            verdict="loses",
            is_regression=True,
        ),
    )
    assert result.status is Status.REGRESSION


def test_a_case_that_the_host_spoilt_is_inconclusive() -> None:
    """It is void and shown as such, but the sender did nothing wrong."""
    spoilt = Outcome("void", "twice", of_host=True)
    result = between([OLD], [], after={CASE: spoilt})
    (series,) = result.unpaired

    assert (series.verdict, series.detail) == ("void", "void: twice")
    assert (series.is_regression, series.is_unclear) == (False, True)
    assert result.status is Status.INCONCLUSIVE


@pytest.mark.parametrize("before", [None, {CASE: VOID}])
def test_a_case_that_the_host_spoilt_in_some_boots_changes_no_status(
    before: dict[str, Outcome] | None,
) -> None:
    """The other boots have the result."""
    spoilt = Outcome("void", "twice", is_partial=True, of_host=True)
    result = between([OLD], [OLD], before, {CASE: spoilt})

    assert not any(series.is_regression or series.is_unclear for series in result.unpaired)
    assert len(result.unpaired) == (before is None)


def test_a_side_that_loses_ipis_is_never_faster() -> None:
    """Its times are left out of all series, and the case is named once."""
    send = row_of("broadcast", PHYSICAL, 2e-6, series="send")
    result = between([OLD, send], [lossy(32)], series=ALL_SERIES)

    assert (result.pairs, [series.verdict for series in result.unpaired]) == ((), ["loses"])
    assert result.status is Status.REGRESSION


@pytest.mark.parametrize(
    ("before", "after", "is_regression"),
    [
        pytest.param(5, 12, True, id="more"),
        pytest.param(12, 12, False, id="as-many"),
        pytest.param(12, 5, False, id="fewer"),
    ],
)
def test_more_lost_ipis_than_before_are_a_regression(
    before: int, after: int, is_regression: bool
) -> None:
    """A case that loses IPIs is shown whatever it lost before."""
    result = between([lossy(before)], [lossy(after)])
    (series,) = result.unpaired

    assert (series.verdict, series.is_regression) == ("loses", is_regression)
    assert (result.status is Status.REGRESSION) is is_regression


def test_a_case_that_no_longer_loses_ipis_is_not_a_regression() -> None:
    """The baseline has no time, so the pair is missing all the same."""
    result = between([lossy(32)], [OLD])

    assert result.unpaired == (
        Unpaired(
            name=OLD.name,
            file="new",
            reason=Reason.LOST,
            detail="loses 32 of 79 IPIs in old",
        ),
    )
    assert result.status is Status.NOTHING_MEASURED


def test_a_new_case_that_loses_ipis_is_shown_and_is_not_a_regression() -> None:
    """The baseline never had it."""
    new = row_of("broadcast", CLUSTER, 1e-6, series="send", lost=1)
    result = between([OLD], [OLD, new])

    assert [(one.verdict, one.is_regression) for one in result.unpaired] == [("loses", False)]
    assert result.status is Status.OK


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        pytest.param(VOID, "void", id="void"),
        pytest.param(Outcome("unsupported", "no ABI"), "unsupported", id="unsupported"),
        pytest.param(Outcome("blocked", "no /dev/kvm"), "missing", id="blocked"),
        pytest.param(Outcome("failed", "timed out"), "missing", id="failed"),
        pytest.param(Outcome("missing", "the run ended"), "missing", id="not-run"),
    ],
)
def test_a_case_without_a_result_has_its_outcome_as_verdict(
    outcome: Outcome, verdict: str
) -> None:
    """A case that the environment prevented is missing, because nothing is known of it."""
    result = between([OLD], [], after={CASE: outcome})
    (series,) = result.unpaired

    assert (series.verdict, series.detail) == (verdict, outcome.text)
    assert result.status is Status.REGRESSION


def test_a_case_that_the_later_file_lacks_is_missing() -> None:
    """Whether it was not asked for or not reached, the gate did not check it."""
    other = row_of("self-ipi", PHYSICAL, 1e-9)
    result = between([OLD, other], [other])
    (series,) = result.unpaired

    assert (series.name, series.verdict, series.detail) == (CASE, "missing", "only in old")
    assert (series.is_regression, result.status) == (True, Status.REGRESSION)


def test_a_single_series_that_is_missing_is_named_as_such() -> None:
    """Other series of its case are compared."""
    send = row_of("broadcast", PHYSICAL, 2e-6, series="send")
    (series,) = between([OLD, send], [OLD], series=ALL_SERIES).unpaired

    assert (series.name, series.verdict) == (send.name, "missing")


def test_a_case_that_gains_a_result_is_not_a_regression() -> None:
    """The earlier file had none."""
    result = between([], [OLD], before={CASE: VOID})
    (series,) = result.unpaired

    assert (series.verdict, series.detail) == ("", "void: slow in old")
    assert result.status is Status.NOTHING_MEASURED


def test_a_case_that_is_void_in_both_files_is_not_shown() -> None:
    """Nothing got worse."""
    result = between([OLD], [OLD], before={"other": VOID}, after={"other": VOID})

    assert (result.unpaired, result.status) == ((), Status.OK)


def test_a_new_case_without_a_result_is_shown_and_is_not_a_regression() -> None:
    """The earlier run did not have it."""
    (series,) = between([OLD], [OLD], after={"other": VOID}).unpaired

    assert (series.name, series.verdict, series.is_regression) == ("other", "void", False)


@pytest.mark.parametrize("before", [{}, {CASE: Outcome("void", "slow", is_partial=True)}])
def test_a_case_that_is_void_in_some_boots_is_a_regression_unless_it_was(
    before: dict[str, Outcome],
) -> None:
    """It is in a pair too, with the times of its other boots."""
    partly = {CASE: Outcome("void", "lost an IPI", is_partial=True)}
    result = between([OLD], [OLD], before=before, after=partly)

    assert [one.detail for one in result.unpaired] == (
        [] if before else ["void: lost an IPI (in some boots)"]
    )
    assert (len(result.pairs), result.status is Status.REGRESSION) == (1, not before)


def test_between_senders_cases_worse_than_slow_are_shown_first() -> None:
    """It changes no exit status, and a case in two files is named after it."""
    other = row_of("broadcast", CLUSTER, 1e-6)
    bad = row_of("broadcast", f"kvm-pv/{PHYSICAL}", 1e-6, series="send", lost=72)
    twice = row_of("dry-run", PHYSICAL, 1e-9)
    files = {"one": [OLD, other, bad, twice], "two": [twice]}
    outcomes = {"one": {"case": Outcome("unsupported", "no ABI")}}
    result = compare(files, Question(by="sender"), outcomes=outcomes)

    assert [(one.verdict, one.name, one.is_regression) for one in result.unpaired] == [
        ("loses", bad.name.removesuffix(" send"), False),
        ("unsupported", "case", False),
        ("", twice.name, False),
    ]
    assert (len(result.pairs), result.status) == (1, Status.OK)


def test_between_senders_a_side_that_loses_ipis_is_in_no_pair() -> None:
    """That holds also where only the time to send is compared."""
    send = row_of("broadcast", CLUSTER, 2e-6, series="send")
    result = compare({"one": [send, lossy(72)]}, Question(by="sender", series="send"))

    assert ([one.verdict for one in result.unpaired], result.pairs) == (["loses"], ())


def keys_computed(monkeypatch: pytest.MonkeyPatch, cases: int) -> int:
    """How often a key is computed for two files, each of which lacks cases of the other."""
    computed: list[Row] = []
    key = Row.key

    def counted(row: Row, without: tuple[str, ...] = ()) -> tuple[object, ...]:
        computed.append(row)
        return key(row, without)

    rows = [row_of(f"fanout:{n}", PHYSICAL, 1e-6) for n in range(cases)]
    with monkeypatch.context() as patch:
        patch.setattr(Row, "key", counted)
        between(rows[: 3 * cases // 4], rows[cases // 4 :])
    return len(computed)


def test_the_work_grows_as_the_number_of_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """No case is searched among the others."""
    few, many = (keys_computed(monkeypatch, cases) for cases in (20, 200))

    assert many == 10 * few
