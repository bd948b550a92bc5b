"""
pyperf suites that are looked up by name, and whose runs share their metadata.

pyperf searches all benchmarks for a name, copies the metadata that runs share for each of
them, and compares all of it whenever a run is added.
"""

from __future__ import annotations

from typing import Any, Final

import pyperf
from pyperf._bench import _CHECKED_METADATA
from pyperf._metadata import parse_metadata

_PYPERF_FORMAT: Final = "1.0"


class IndexedSuite(pyperf.BenchmarkSuite):  # type: ignore[misc]  # pyperf is without types
    """A pyperf suite that looks a benchmark up by its name without a search."""

    def __init__(self, benchmarks: list[pyperf.Benchmark], filename: str | None = None) -> None:
        self._by_name: dict[str, pyperf.Benchmark] = {}
        super().__init__(benchmarks, filename=filename)

    @classmethod
    def _json_load(cls, filename: str | None, data: dict[str, Any]) -> IndexedSuite:
        """As pyperf does, but metadata that runs share is checked once, not for each run."""
        if data.get("version") != _PYPERF_FORMAT:
            suite: IndexedSuite = super()._json_load(filename, data)
            return suite
        shared = parse_metadata(data.get("metadata") or {})
        items = [*reversed(data.pop("benchmarks"))]  # each is freed as soon as it is read
        return cls([_benchmark(items.pop(), shared) for _ in range(len(items))], filename)

    def add_benchmark(self, benchmark: pyperf.Benchmark) -> None:
        """Add one whose name is new; pyperf would compare it with all others."""
        name = benchmark.get_name()
        if name in self._by_name:
            raise ValueError(f"the suite has already a benchmark called {name!r}")
        self._benchmarks.append(benchmark)
        self._by_name[name] = benchmark

    def get_benchmark(self, name: str) -> pyperf.Benchmark:
        """The benchmark called *name*; KeyError if there is none."""
        return self._by_name[name]


class _Run(pyperf.Run):  # type: ignore[misc]  # pyperf is without types
    """A run that shares metadata with other runs, which pyperf would copy for each."""

    __slots__ = ("_own", "_shared")

    @property
    def _metadata(self) -> dict[str, Any]:
        return self._shared | self._own

    @_metadata.setter
    def _metadata(self, metadata: dict[str, Any]) -> None:
        self._own = metadata
        self._shared: dict[str, Any] = {}

    def get_metadata(self) -> dict[str, Any]:
        """All of it, as a new dictionary."""
        return self._metadata


class _Benchmark(pyperf.Benchmark):  # type: ignore[misc]  # pyperf is without types
    """A benchmark that looks for the metadata that its runs share when it is asked for."""

    def add_run(self, run: pyperf.Run) -> None:
        """Add a run; pyperf would compare all of its metadata with what the others share."""
        if self._runs:
            first, other = self._runs[0].get_metadata(), run.get_metadata()
            for key in _CHECKED_METADATA:
                if first.get(key) != other.get(key):
                    raise ValueError(f"its runs differ in {key}")
        self._clear_runs_cache()
        self._runs.append(run)


def _benchmark(item: dict[str, Any], shared: dict[str, Any]) -> pyperf.Benchmark:
    metadata = shared | parse_metadata(item.get("metadata", {}))
    return _Benchmark([_run(run, metadata) for run in item["runs"]])


def _run(item: dict[str, Any], shared: dict[str, Any]) -> pyperf.Run:
    warmups = [tuple(warmup) for warmup in item.get("warmups") or ()]
    run = _Run(
        item.get("values", ()),
        warmups=warmups,
        metadata=item.get("metadata", {}),
        collect_metadata=False,
    )
    run._shared = shared
    return run
