"""Suites of pyperf that share the metadata of their runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pyperf
import pytest

from pvbench.results import parsing
from pvbench.results.suite import IndexedSuite
from support.runs import row_of, suite_of


def test_names_are_looked_up_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyperf's suite asks all benchmarks for their names whenever one is added."""
    benchmarks = list(suite_of(*(row_of(f"w{n}", "xapic", 2e-9) for n in range(100))))
    names = []
    get_name = pyperf.Benchmark.get_name

    def counted(benchmark: pyperf.Benchmark) -> Any:
        names.append(benchmark)
        return get_name(benchmark)

    monkeypatch.setattr(pyperf.Benchmark, "get_name", counted)
    IndexedSuite(benchmarks)

    assert len(names) <= 2 * len(benchmarks)


def test_a_suite_refuses_a_name_twice() -> None:
    """As pyperf's own does."""
    benchmarks = [*suite_of(row_of("b", "xapic", 2e-9)), *suite_of(row_of("b", "xapic", 3e-9))]

    with pytest.raises(ValueError, match="already a benchmark called"):
        IndexedSuite(benchmarks)


def test_a_suite_is_what_pyperf_itself_would_read(tmp_path: Path) -> None:
    """With metadata of the file, of a benchmark and of a run, and with warm-ups."""
    rows = [
        row_of(name, "xapic", 2e-9, 3e-9, icr_writes=writes)
        for name, writes in (("a", 1.0), ("b", 2.0))
    ]
    suite = suite_of(*(attrs.evolve(row, boots=(1, 2)) for row in rows))
    warm = pyperf.Run(
        [1e-9], warmups=[(1, 2e-9)], metadata={"name": "warm"}, collect_metadata=False
    )
    path = tmp_path / "a.json"
    pyperf.BenchmarkSuite([*suite, pyperf.Benchmark([warm])]).dump(str(path))
    loaded = IndexedSuite._json_load(None, json.loads(path.read_text()))

    assert loaded._as_json() == pyperf.BenchmarkSuite.load(str(path))._as_json()


def test_metadata_that_boots_share_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file would take twice as long otherwise."""
    checked: list[str] = []
    check = pyperf._metadata.check_metadata

    def counted(name: str, value: object) -> None:
        checked.append(name)
        check(name, value)

    row = attrs.evolve(row_of("a", "xapic", *10 * [2e-9]), boots=tuple(range(10)))
    content = parsing.text_of(suite_of(row)).encode()
    monkeypatch.setattr("pyperf._metadata.check_metadata", counted)
    parsing.suite_from("a.json", content)

    assert (checked.count("pvbench_guest"), checked.count("pvbench_boot")) == (1, 10)


def test_runs_that_share_metadata_take_no_memory_for_it() -> None:
    """A file with a hundred thousand runs would take some hundred megabytes more."""
    row = attrs.evolve(row_of("a", "xapic", *3 * [2e-9]), boots=(1, 2, 3))
    (benchmark,) = parsing.suite_from("a.json", parsing.text_of(suite_of(row)).encode())
    runs = benchmark.get_runs()

    assert len({id(run._shared) for run in runs}) == 1
    assert [set(run._own) for run in runs] == 3 * [{"pvbench_boot"}]
    assert [run.get_metadata()["pvbench_boot"] for run in runs] == [1, 2, 3]


def test_runs_of_different_machines_make_no_benchmark() -> None:
    """As pyperf has it: the same metadata of the machine."""
    row = attrs.evolve(row_of("a", "xapic", 2e-9, 3e-9), boots=(1, 2))
    data = json.loads(parsing.text_of(suite_of(row)))
    for run, cpus in zip(data["benchmarks"][0]["runs"], (1, 2), strict=True):
        run["metadata"]["cpu_count"] = cpus

    with pytest.raises(ValueError, match="its runs differ in cpu_count"):
        IndexedSuite._json_load(None, data)
