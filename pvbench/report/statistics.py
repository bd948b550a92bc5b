"""The document of `show --statistic all`: every statistic of each case, in columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyperf

from pvbench.document import Block, Cell, Column, Document, Field, Role, table_of
from pvbench.report.quantities import time_cell
from pvbench.report.summary import introduction
from pvbench.results import schema
from pvbench.results.rows import Row, rows
from pvbench.results.statistic import ALL, MEDIAN

Case = dict[str, Row]  # by statistic


def document(suite: pyperf.BenchmarkSuite, series: str) -> Document:
    """
    A row for each case that has *series*, a column for each statistic.

    Raises:
        UsageError: a case was stored without one of them.
    """
    benchmarks = [b for b in suite if b.get_metadata()["pvbench_series"] == series]
    columns = [rows(benchmarks, statistic=statistic) for statistic in ALL]
    groups: dict[tuple[Any, ...], list[Case]] = {}
    for of_case in zip(*columns, strict=True):
        key = tuple(map(of_case[0].fact, schema.grouping()))
        groups.setdefault(key, []).append(dict(zip(ALL, of_case, strict=True)))
    return Document([block for cases in groups.values() for block in _group(cases, series)])


def _group(cases: list[Case], series: str) -> Iterator[Block]:
    members = [case[MEDIAN] for case in cases]
    yield from introduction(members, series)
    fields = [_name("stack"), _name("workload"), *map(_column, ALL)]
    yield table_of(fields, cases, name="statistics")


def _name(fact: str) -> Field[Case]:
    return Field(Column(fact, fact, Role.NAME), lambda case: Cell(case[MEDIAN].fact(fact)))


def _column(statistic: str) -> Field[Case]:
    column = Column(f"{statistic}_s", statistic, Role.VALUE)
    return Field(column, lambda case: time_cell(case[statistic]))
