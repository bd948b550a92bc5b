"""A result file may come from anywhere: each of its facts is checked when it is read."""

from __future__ import annotations

import gzip
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pyperf
import pytest

from pvbench.errors import DamagedError, UsageError
from pvbench.host.files import unpacked
from pvbench.results import files as result_files
from pvbench.results import parsing
from support.runs import Cli, file_of, row_of, run_to


def content(**changes: Any) -> bytes:
    """A result file of one series whose metadata is changed; None leaves a fact out."""
    suite = json.loads(Path(file_of(Path("a.json"), row_of("b", "xapic", 2e-9))).read_text())
    (benchmark,) = suite["benchmarks"]
    metadata = suite.pop("metadata", {}) | benchmark.get("metadata", {})
    metadata |= {f"pvbench_{name}": fact for name, fact in changes.items()}
    benchmark["metadata"] = {name: fact for name, fact in metadata.items() if fact is not None}
    return json.dumps(suite).encode()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a directory of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["suite", "workload", "stack", "series", "vcpus", "targets"])
def test_a_missing_fact_is_named(name: str) -> None:
    """Reports need it: exit status 2 and not a traceback."""
    with pytest.raises(
        UsageError, match=f"a.json is malformed: in 'norov.*' there is no {name}"
    ):
        parsing.suite_from("a.json", content(**{name: None}))


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        pytest.param({"vcpus": "eighty"}, "vcpus is not a number of 0 or more", id="text"),
        pytest.param({"lost": -1}, "lost is not a number of 0 or more", id="negative"),
        pytest.param({"workload": 7}, "workload is not a text", id="number"),
        pytest.param({"icr_writes": 1e999}, "icr_writes is not a finite", id="infinity"),
        pytest.param({"targets": 10**300}, "targets is not a finite", id="huge"),
        pytest.param({"mine": float("inf")}, "mine is not a finite", id="unknown-fact"),
        pytest.param({"family": "fanout"}, "there is no parameter", id="family"),
        pytest.param({"mine": "x" * 100_001}, "a text of at most 100000", id="endless-text"),
    ],
)
def test_a_fact_of_the_wrong_kind_is_named(facts: dict[str, Any], why: str) -> None:
    """Reports compute with it."""
    with pytest.raises(UsageError, match=why):
        parsing.suite_from("a.json", content(**facts))


def test_a_series_whose_name_is_a_number_is_refused() -> None:
    """pyperf accepts it, and reports print names."""
    suite = json.loads(content())
    suite["benchmarks"][0]["metadata"]["name"] = 7

    with pytest.raises(UsageError, match="there is no name"):
        parsing.suite_from("a.json", json.dumps(suite).encode())


def test_a_series_of_warm_ups_is_refused() -> None:
    """pyperf stores calibration runs, which have no value."""
    suite = json.loads(content())
    suite["benchmarks"][0]["runs"] = [{"warmups": [[1, 2e-9]]}]

    with pytest.raises(UsageError, match="there is no value"):
        parsing.suite_from("a.json", json.dumps(suite).encode())


@pytest.mark.parametrize("value", ["Infinity", "1e300", "1e-300"])
def test_a_time_that_cannot_be_computed_with_is_refused(value: str) -> None:
    """Its ratio to another time would be infinite."""
    text = content().replace(b"2e-09", value.encode())

    with pytest.raises(UsageError, match="there is a time outside 1e-15 to 1e\\+290 s"):
        parsing.suite_from("a.json", text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"benchmarks": ' + 5_000 * b"9" + b"}", id="long-integer"),
        pytest.param(b'{"benchmarks": ' + 200_000 * b"[" + 200_000 * b"]" + b"}", id="deep"),
    ],
)
def test_json_that_python_cannot_hold_is_refused(text: bytes) -> None:
    """Python limits the digits of an integer and the depth of a list."""
    with pytest.raises(UsageError, match=r"a\.json (cannot be read|is not a pyperf file)"):
        parsing.suite_from("a.json", text)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_cut_at_any_byte_is_damaged(zipped: bool) -> None:
    """A run that is resumed can then distinguish it from a file of another kind."""
    complete = content()
    if zipped:
        complete = gzip.compress(complete, mtime=0)
    for cut in range(len(complete)):
        with pytest.raises(DamagedError, match=r"a\.json is"):
            parsing.suite_from("a.json", complete[:cut])

    assert len(parsing.suite_from("a.json", complete)) == 1


def test_a_compressed_file_is_read_and_written(cli: Cli) -> None:
    """pyperf writes such files, too; the content is that of the plain file."""
    options = ("-k", "*.broadcast", "--sender", "native", "--vcpus", "3")
    plain, zipped = run_to(Path("a.json"), *options), run_to(Path("b.json.gz"), *options)
    shown = cli("show", "b.json.gz")

    assert (plain.status, zipped.status, shown.out) == (0, 0, plain.out)
    assert gzip.decompress(Path("b.json.gz").read_bytes()) == Path("a.json").read_bytes()
    assert len(pyperf.BenchmarkSuite.load("b.json.gz")) == len(result_files.read("a.json"))
    assert cli("compare", "a.json", "b.json.gz").status == 0
    assert Path("b.jsonl").exists()


def test_compression_does_not_depend_on_the_name() -> None:
    """A file that was renamed is still read."""
    Path("renamed.json").write_bytes(gzip.compress(content()))

    assert len(result_files.read("renamed.json")) == 1


def test_a_compressed_file_that_grows_without_bound_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A megabyte of gzip can hold a terabyte of zeros."""
    monkeypatch.setattr(parsing, "unpacked", partial(unpacked, limit=1_000))

    with pytest.raises(UsageError, match="cannot be read: it has more than 1000 bytes when"):
        parsing.suite_from("a.json.gz", gzip.compress(bytes(1_001)))


@pytest.mark.parametrize("kind", ["result", "journal"])
def test_a_fifo_is_refused_at_once(cli: Cli, kind: str) -> None:
    """It is in the place of the result file or of its journal; opening it would block."""
    Path("a.json").write_bytes(content())
    path = Path("a.json" if kind == "result" else "a.jsonl")
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    output = cli("show", "a.json")

    assert (output.status, output.out) == (2, "")
    assert output.err == f"pvbench: {path} cannot be read: it is not a regular file\n"
