"""Bad files: one sentence with the file's name, exit status 2, no traceback."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyperf
import pytest

import pvbench_deliver_model
from support.runs import Cli, Output, file_of, row_of, suite_of

GOOD = suite_of(row_of("broadcast", "x2apic-physical", 1e-6))
MIXED = [row_of("broadcast", s, 1e-6) for s in ("x2apic-physical", "x2apic-cluster")]


def refused(output: Output, message: str) -> None:
    """One sentence on standard error and nothing on standard output."""
    assert (output.status, output.out) == (2, "")
    assert output.err.startswith("pvbench: ")
    assert output.err.count("\n") == 1
    assert message in output.err


def good_text() -> str:
    """A valid result file."""
    file_of(Path("good.json"), *MIXED)
    return Path("good.json").read_text()


def changed(**facts: Any) -> str:
    """A result file with some facts of its first series changed; None removes one."""
    data = json.loads(good_text())
    shared = data["metadata"]
    first, *others = data["benchmarks"]
    for name in facts:
        value = shared.pop(f"pvbench_{name}", None)
        for benchmark in others:
            benchmark["metadata"].setdefault(f"pvbench_{name}", value)
    first["metadata"] |= {f"pvbench_{k}": v for k, v in facts.items() if v is not None}
    return json.dumps(data)


def of_others() -> str:
    """A pyperf file of another program."""
    run = pyperf.Run([1.0], metadata={"name": "x"}, collect_metadata=False)
    pyperf.BenchmarkSuite([pyperf.Benchmark([run])]).dump("others.json")
    return Path("others.json").read_text()


CONTENTS = [
    pytest.param(lambda: "", "a.json is empty: its run measured nothing", id="empty"),
    pytest.param(lambda: " \n", "a.json is empty", id="blank"),
    pytest.param(
        lambda: "hello",
        "a.json is not JSON: the first error is in line 1, column 1.",
        id="text",
    ),
    pytest.param(lambda: "\0\0\0\0", "a.json is not JSON", id="zeros"),
    pytest.param(lambda: good_text().rstrip()[:-1], "a.json is cut off", id="cut-by-a-byte"),
    pytest.param(
        lambda: good_text()[:300],
        "a.json is cut off: its end is missing.",
        id="cut-in-a-string",
    ),
    pytest.param(lambda: good_text()[:1], "a.json is cut off", id="cut-at-once"),
    pytest.param(lambda: "3", "a.json is not a pyperf file", id="number"),
    pytest.param(lambda: "[]", "a.json is not a pyperf file", id="list"),
    pytest.param(lambda: '{"a": 1}', "a.json is not a pyperf file", id="other-json"),
    pytest.param(lambda: '{"benchmarks": 3}', "a.json is not a pyperf", id="half-pyperf"),
    pytest.param(
        lambda: '{"benchmarks": [], "version": "1.0"}', "is not a pyperf", id="no-benchmarks"
    ),
    pytest.param(
        lambda: good_text().replace('"version":"1.0"', '"version":"9"'),
        "is not a pyperf file this pyperf reads",
        id="pyperf-of-the-future",
    ),
    pytest.param(
        lambda: re.sub(r'"values":\[[^]]*\]', '"values":[-1]', good_text()),
        "is not a pyperf file this pyperf reads",
        id="negative-values",
    ),
    pytest.param(of_others, "a.json is a pyperf file, but not of pvbench", id="others"),
    pytest.param(lambda: changed(format=2), "format 2, and this pvbench reads 1", id="format"),
    pytest.param(
        lambda: changed(format="1"), "format '1', and this pvbench reads 1", id="as-text"
    ),
    pytest.param(lambda: changed(clock="tsc"), "mixes clocks: model, tsc", id="two-clocks"),
    pytest.param(lambda: changed(clock=None), "a.json", id="no-clock"),
    pytest.param(
        lambda: changed(exactness="quite"),
        "exactness is not one of exact, near-exact, noisy",
        id="exactness-unknown",
    ),
]


@pytest.mark.parametrize(("content", "message"), CONTENTS)
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("show", "a.json"), id="show"),
        pytest.param(("compare", "a.json", "--by", "sender"), id="compare"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    cli: Cli, command: tuple[str, ...], content: Callable[[], str], message: str
) -> None:
    """The sentence has the reason."""
    Path("a.json").write_text(content())
    refused(cli(*command), message)


def test_a_binary_file_is_refused(cli: Cli) -> None:
    """It is not text."""
    Path("a.json").write_bytes(b"\x89PNG\xff\xfe")
    refused(cli("show", "a.json"), "a.json is not a text file")


def test_a_missing_file_is_refused(cli: Cli) -> None:
    """The reason is the operating system's message."""
    refused(cli("show", "a.json"), "a.json cannot be read: No such file or directory")


def test_a_directory_is_refused(cli: Cli) -> None:
    """The reason is the operating system's message."""
    os.mkdir("a.json")
    refused(cli("show", "a.json"), "a.json cannot be read: Is a directory")


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"\xff\xfe\x80", id="binary"), pytest.param(b"3\n", id="no-journal")],
)
def test_a_journal_that_cannot_be_read_is_refused(cli: Cli, content: bytes) -> None:
    """The sentence names the journal, since the result file beside it is valid."""
    file_of(Path("a.json"), *MIXED)
    Path("a.jsonl").write_bytes(content)
    refused(cli("show", "a.json"), "a.jsonl")


BUNDLED = Path(pvbench_deliver_model.__file__).parent / "cost_profiles/skylake-2018.toml"
FENCE = re.compile(r"\[costs\.fence\].*?(?=\n\[)", re.DOTALL)


def with_fence(text: str) -> str:
    """The bundled cost profile with another table for the cost of a fence."""
    return FENCE.sub(text, BUNDLED.read_text())


def fence(value: str, unit: str = '"cycles"', confidence: str = '"C"') -> str:
    """The table of the cost `fence`, with the given fields."""
    sentence = f"value = {value}\nunit = {unit}\nconfidence = {confidence}"
    return with_fence(f'[costs.fence]\n{sentence}\nsource = "assumed"\n')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(fence("-40"), "fence.value is -40, not a number from 0", id="negative"),
        pytest.param(fence("nan"), "fence.value is nan, not a number", id="nan"),
        pytest.param(fence("true"), "fence.value is True, not a number", id="bool"),
        pytest.param(fence('"40"'), "fence.value is '40', not a number", id="text"),
        pytest.param(fence("40", unit='"miles"'), "fence.unit is 'miles'", id="unit"),
        pytest.param(fence("40", confidence='"Z"'), "fence.confidence is 'Z'", id="confidence"),
        pytest.param(with_fence(""), "lacks fence. Start from a copy", id="missing"),
        pytest.param(
            with_fence("").replace("[costs.store]", "[costs.fense]\n[costs.store]"),
            "unknown key 'fense'. Did you mean 'fence'?",
            id="misspelt",
        ),
        pytest.param(
            with_fence("[costs.fence]\nvalue = 40\n"), "fence lacks confidence", id="unsourced"
        ),
        pytest.param("", "lacks costs", id="empty"),
        pytest.param("x =", "my.toml is not TOML", id="no-toml"),
    ],
)
def test_a_cost_profile_with_a_bad_number_is_refused(
    cli: Cli, content: str, message: str
) -> None:
    """Each number needs a value, a unit, a source and a confidence."""
    Path("my.toml").write_text(content)
    refused(cli("run", "norov", "--costs", "my.toml"), message)
    assert os.listdir() == ["my.toml"]


def test_a_cost_profile_of_zeros_gives_no_traceback(cli: Cli) -> None:
    """pyperf refuses times of 0, so an iteration must take time."""
    text = re.sub(r"^value = .*$", "value = 0", BUNDLED.read_text(), flags=re.MULTILINE)
    Path("my.toml").write_text(text)
    choice = ("-k", "dry-run", "--sender", "native", "--costs", "my.toml", "-o", "a.json")
    output = cli("run", "norov", "--fast", "-q", *choice)

    assert output.status == 2
    assert "loop_overhead.value is 0, not at least 1 ps" in output.err
    assert not Path("a.json").exists()


@pytest.mark.parametrize(("size", "status"), [(1 << 16, 0), ((1 << 16) + 1, 2)])
def test_a_cost_profile_has_a_limited_size(cli: Cli, size: int, status: int) -> None:
    """The last size that fits, and the first that does not."""
    Path("my.toml").write_bytes(BUNDLED.read_bytes().ljust(size, b"#"))
    output = cli("run", "norov", "--dry-run", "-k", "dry-run", "--costs", "my.toml")

    assert output.status == status
    assert (
        "cost profile my.toml cannot be read: it has more than 65536 bytes" in output.err
    ) is bool(status)
