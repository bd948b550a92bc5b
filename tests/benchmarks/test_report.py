"""The benchmark of large pages measures what it says, on a small file."""

from __future__ import annotations

import pytest

import report


def test_time_memory_and_size_of_a_page_are_measured() -> None:
    """A page of a few series is smaller than any limit, and not empty."""
    values = report.measured(8)

    assert list(values) == ["seconds", "MB of memory", "MB of page"]
    assert 0.005 < values["MB of page"] < 1
    assert values["MB of memory"] > 10


def test_a_report_that_fails_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its figures would say nothing."""
    monkeypatch.setattr(report, "write", lambda path, series: path.write_text("{}"))

    with pytest.raises(SystemExit, match="ended with status 2"):
        report.measured(8)
