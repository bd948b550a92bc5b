"""How often the verdicts on path lengths are false, by the boots of one kernel."""

from __future__ import annotations

from pathlib import Path

import path_lengths
from pvbench.results import files
from support.runs import row_of, suite_of

SEED = 0
EQUAL = (1e-6,) * 12
APART = tuple(1e-6 * (1 + 0.003 * (number % 2)) for number in range(12))


def test_equal_boots_have_no_false_verdict_and_every_difference_is_found() -> None:
    """A difference that six boots find and two do not is 0.3 %."""
    rows = {
        (pairs, percent): shares
        for pairs, percent, *shares in path_lengths.table([EQUAL], SEED)
    }

    assert rows[2, 0.0] == rows[6, 0.0] == ["0.00", "100.00"]
    assert (rows[2, 0.3], rows[6, 0.3]) == (["0.00", "0.00"], ["100.00", "0.00"])
    assert rows[2, 0.6] == ["100.00", "0.00"]


def test_boots_that_lie_apart_hide_a_difference() -> None:
    """A series of too few boots is in no row of six pairs."""
    rows = list(path_lengths.table([APART[:4]], SEED))
    shares = {percent: float(share) for _, percent, share, _ in rows}

    assert {pairs for pairs, *_ in rows} == {2}
    assert shares[0.0] == 0 < shares[0.6] < shares[1.0] == 100


def test_the_series_are_those_of_a_file_that_send(tmp_path: Path) -> None:
    """A dry run has no targets, and `wall` contains the other series."""
    rows = [
        row_of("broadcast", "native", 1e-6, 2e-6),
        row_of("broadcast", "native", 1e-6, series="send"),
        row_of("dry-run", "native", 1e-9, targets=0),
    ]
    path = tmp_path / "a.json"
    files.write(suite_of(*rows), path)

    assert list(path_lengths.series_of(str(path))) == [(1e-6, 2e-6)]
