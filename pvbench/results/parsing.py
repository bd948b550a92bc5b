"""
The text of a result file, and the pyperf suite whose metadata reports can rely on.

A result file may have been edited, or written by another program, so each fact that a
report needs is checked here, once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pyperf

from pvbench.delivery import EXACTNESSES
from pvbench.errors import DamagedError, UsageError, not_readable
from pvbench.host.files import unpacked
from pvbench.results import foreign, schema, storable
from pvbench.results.suite import IndexedSuite
from pvbench.shapes import json_value

FORMAT: Final = 1
_START: Final = 100  # characters in which JSON begins
_EXPECTED: Final = "Give a file written by `pvbench run`."


def text_of(suite: pyperf.BenchmarkSuite) -> str:
    """The text that pyperf's own dump() writes; dump() encodes each item of it in Python."""
    data = suite._as_json()
    return json.dumps(data, sort_keys=True, separators=(",", ":")) + "\n"


def suite_from(name: str, content: bytes) -> pyperf.BenchmarkSuite:
    """
    The suite in the *content* of the result file, or text of a benchmark, called *name*.

    Raises:
        DamagedError: the content is cut off or not JSON.
        UsageError: the content is not pyperf's, not pvbench's, or malformed.
    """
    text = _text(name, content)
    del content  # a large file takes as much memory as its text
    if not text[:_START].lstrip().startswith("{") and (other := foreign.suite_from(name, text)):
        return other
    data = _parsed(name, text)
    del text
    suite = _suite(name, data)
    kinds = storable.kinds()
    for benchmark in suite:
        if why := _why_foreign(benchmark.get_metadata()):
            raise UsageError(f"{name} {why}", fix=_EXPECTED)
        if why := next(_malformed(benchmark, kinds), ""):
            series = benchmark.get_name()
            raise UsageError(f"{name} is malformed", why=f"in {series!r} {why}", fix=_EXPECTED)
    _check_clocks(name, suite)
    return suite


def _text(name: str, content: bytes) -> str:
    try:
        return unpacked(content).decode()
    except EOFError as error:
        raise DamagedError(f"{name} is cut off", why=str(error), fix=_EXPECTED) from None
    except OSError as error:
        raise not_readable(name, error) from None
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not a text file", fix=_EXPECTED) from None


def _parsed(name: str, text: str) -> dict[str, Any]:
    if not text.strip():
        raise DamagedError(f"{name} is empty", why="its run measured nothing", fix=_EXPECTED)
    try:
        data = json_value(text, float)  # a check below says where one is not finite
    except json.JSONDecodeError as error:
        cut = text.startswith("{") and not text.rstrip().endswith("}")
        fault, why = ("is cut off", "its end is missing") if cut else ("is not JSON", "")
        place = f"the first error is in line {error.lineno}, column {error.colno}"
        raise DamagedError(f"{name} {fault}", why=why or place, fix=_EXPECTED) from None
    except ValueError as error:
        raise UsageError(f"{name} cannot be read", why=str(error), fix=_EXPECTED) from None
    if not isinstance(data, dict) or "benchmarks" not in data:
        raise UsageError(f"{name} is not a pyperf file", fix=_EXPECTED)
    return data


def _suite(name: str, data: dict[str, Any]) -> pyperf.BenchmarkSuite:
    try:
        return IndexedSuite._json_load(None, data)  # loads() would parse the text again
    except Exception as error:
        raise UsageError(
            f"{name} is not a pyperf file this pyperf reads",
            why=str(error),
            fix=_EXPECTED,
        ) from None


def _why_foreign(metadata: dict[str, Any]) -> str:
    """Why this pvbench cannot read the benchmark; '' if it can."""
    version = metadata.get("pvbench_format")
    if version is None or "pvbench_clock" not in metadata:
        return "is a pyperf file, but not of pvbench"
    if version != FORMAT:
        return f"has pvbench's format {version!r}, and this pvbench reads {FORMAT}"
    return ""


def _malformed(benchmark: pyperf.Benchmark, kinds: storable.Kinds) -> Iterator[str]:
    """Defects that reports cannot handle, one sentence each."""
    shared = benchmark.get_metadata()
    facts = storable.facts_of(shared)
    if not isinstance(shared.get("name"), str):
        yield "there is no name"
    yield from (f"there is no {key}" for key in schema.required() if key not in facts)
    yield from storable.fact_defects(shared, kinds)
    if facts.get("exactness", "noisy") not in EXACTNESSES:
        yield f"exactness is not one of {', '.join(EXACTNESSES)}"
    if "family" in facts:
        needed = ("parameter", "parameter_value")
        yield from (f"there is no {key}" for key in needed if key not in facts)
    runs = [run for run in benchmark.get_runs() if run.values]
    if not runs:
        yield "there is no value"
    for run in runs:
        yield from storable.time_defects(run.values)
        own = schema.own(run.get_metadata(), shared)
        yield from storable.fact_defects(own, kinds)


def _check_clocks(name: str, suite: pyperf.BenchmarkSuite) -> None:
    clocks = {benchmark.get_metadata()["pvbench_clock"] for benchmark in suite}
    if len(clocks) > 1:
        raise UsageError(
            f"{name} mixes clocks: {', '.join(sorted(clocks))}",
            why="times of different clocks are never compared",
            fix="Keep each clock in a file of its own.",
        )
