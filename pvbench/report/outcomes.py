"""The outcomes of the cases of a run or a comparison, for formats that list tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pvbench.checks import Check, Checks, Result
from pvbench.compare.comparison import Comparison
from pvbench.compare.outcomes import worse_than_ok
from pvbench.compare.pairs import Pair
from pvbench.compare.status import Gate
from pvbench.compare.unpaired import Unpaired
from pvbench.errors import Status
from pvbench.report.quantities import time_of
from pvbench.results import journal
from pvbench.results.counts import in_words
from pvbench.results.rows import Row

_OF_STATUS: Final = {
    Status.OK: Result.PASSED,
    Status.REGRESSION: Result.FAILED,
    Status.INCONCLUSIVE: Result.SKIPPED,
}
_FAILED: Final = ("void", "failed")


def of_comparison(comparison: Comparison) -> Checks:
    """The pairs, and the cases that became worse than slow; as the exit status has them."""
    limit = comparison.question.fail_above_percent
    is_gate = comparison.question.across_files or limit is not None
    gate = Gate(fail_above_percent=limit) if is_gate else None
    unpaired = [one for one in comparison.unpaired if one.verdict]
    return Checks([*_of_pairs(comparison.pairs, gate), *map(_of_unpaired, unpaired)])


def _of_pairs(pairs: Iterable[Pair], gate: Gate | None) -> Iterator[Check]:
    for pair in pairs:
        status = gate.of_pair(pair) if gate else Status.OK
        yield Check(pair.after.name, _OF_STATUS[status], _both(pair))


def _both(pair: Pair) -> str:
    """The verdict on two times, or two counts, which have none."""
    if pair.is_count:
        return " to ".join(in_words(row.count) for row in pair.rows)
    times = " to ".join(time_of(row) for row in pair.rows)
    return f"{pair.verdict or 'not ranked'}, {times}"


def _of_unpaired(one: Unpaired) -> Check:
    result = Result.FAILED if one.is_regression else Result.SKIPPED
    return Check(one.name, result, one.detail or one.reason.value)


def of_run(rows: Sequence[Row], entries: journal.Entries) -> Checks:
    """Each case of a run: a case that loses IPIs is known to, or it would be void."""
    measured = {row.case: row for row in rows}
    checks = [_of_row(name, row) for name, row in measured.items()]
    for name, outcome in worse_than_ok(entries).items():
        is_failed = outcome.kind in _FAILED and not outcome.of_host
        result = Result.FAILED if is_failed else Result.SKIPPED
        checks = [check for check in checks if check.name != name]
        checks.append(Check(name, result, outcome.text))
    return Checks(checks)


def _of_row(name: str, row: Row) -> Check:
    if lost := row.fact("lost"):
        loss = f"loses {lost} of {row.fact('targets')} IPIs"
        return Check(name, Result.EXPECTED_FAILURE, loss)
    return Check(name, Result.PASSED, f"{row.kind}")
