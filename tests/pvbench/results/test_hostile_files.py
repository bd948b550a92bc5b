"""Result files and journals that were edited end in a sentence, never in a traceback."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pvbench.run import loop as runs
from support.mutations import places
from support.resume import BOOT_ONCE, SMALL
from support.runs import Output, call, row_of, suite_of

WEIRD: list[Any] = [
    *(None, True, -1, 0, 0.5, 1e300, 1e-320, float("inf"), float("nan"), 10**30, 10**400),
    *("", "80", "a\nb", "\x1b[31m", "\ud800", "tsc", "ops", [], [[]], {}, {"x": 1}),
]
READERS = (
    ("show", "a.json"),
    ("show", "a.json", "--json"),
    ("show", "a.json", "--format", "csv"),
    ("show", "a.json", "--series", "ack"),
    ("compare", "good.json", "a.json"),
    ("compare", "a.json", "good.json", "--json"),
    ("compare", "good.json", "a.json", "--beside"),
    ("compare", "a.json", "--by", "sender"),
    ("compare", "a.json", "--by", "guest", "--series", "all"),
)
# The files stay between the examples of a test: each example writes its own.
MANY = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def edited(draw: st.DrawFn, content: list[Any]) -> list[Any]:
    """JSON values with one to three things changed, gone or of another name."""
    data = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(list(places(data))))
        if isinstance(container, dict) and draw(st.integers(0, 3)) == 0:
            value = container.pop(key)
            if draw(st.booleans()):
                container[f"{key}x"] = value
        else:
            container[key] = copy.deepcopy(draw(st.sampled_from(WEIRD)))
    return data


@pytest.fixture
def small_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The result file of a small run and its journal, as ``good.json`` and as texts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "run_boot", BOOT_ONCE)
    assert call(*SMALL, "-o", "good.json").status == 0
    return Path("good.json").read_text(), Path("good.jsonl").read_text()


def ends_in_a_sentence(output: Output) -> bool:
    """Whether a command ended well, or with one sentence about its input."""
    return output.status in {0, 1, 3, 4} or (
        output.status in {2, 5}
        and output.err.startswith("pvbench: ")
        and output.err.count("\n") == 1
    )


@MANY
@given(data=st.data())
def test_an_edited_result_file_is_shown_compared_or_refused(
    small_run: tuple[str, str], data: st.DataObject
) -> None:
    """An editor may leave infinity, a text for a number, or a missing fact behind."""
    text = json.dumps(data.draw(edited([json.loads(small_run[0])]))[0])
    Path("a.json").write_text(text)
    Path("a.jsonl").write_text(small_run[1])
    command = data.draw(st.sampled_from([*READERS, (*SMALL, "-o", "a.json", "--resume")]))

    assert ends_in_a_sentence(output := call(*command)), output


@MANY
@given(data=st.data())
def test_an_edited_journal_is_shown_resumed_or_refused(
    small_run: tuple[str, str], data: st.DataObject
) -> None:
    """Also one whose plan or whose boots are not those of the result file."""
    lines = data.draw(edited([json.loads(line) for line in small_run[1].splitlines()]))
    Path("a.json").write_text(small_run[0])
    Path("a.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    resume = (*SMALL, "-o", "a.json", "--resume")
    command = data.draw(st.sampled_from([("show", "a.json"), resume]))

    assert ends_in_a_sentence(output := call(*command)), output


@MANY
@given(data=st.data())
def test_an_edited_file_of_a_noisy_clock_is_compared_or_refused(
    small_run: tuple[str, str], data: st.DataObject
) -> None:
    """Verdicts compute with the times of each boot."""
    times = (2e-9, 2.1e-9, 2.2e-9)
    noisy = [
        attrs.evolve(row_of(workload, stack, *times, clock="tsc"), boots=(1, 2, 3))
        for workload in ("broadcast", "multicast")
        for stack in ("x2apic-physical", "kvm-pv/x2apic-physical")
    ]
    for name in ("good.json", "a.json"):
        suite_of(*noisy).dump(name, replace=True)
    content = json.loads(Path("a.json").read_text())
    Path("a.json").write_text(json.dumps(data.draw(edited([content]))[0]))
    Path("a.jsonl").unlink(missing_ok=True)

    assert ends_in_a_sentence(output := call(*data.draw(st.sampled_from(READERS)))), output


@MANY
@given(data=st.data())
def test_a_file_with_a_foreign_piece_of_text_is_read_or_refused(
    small_run: tuple[str, str], data: st.DataObject
) -> None:
    """The text is a long integer, deep nesting, a zero byte or half of the file."""
    pieces = ("9" * 5_000, "[" * 100_000, '{"a":' * 3_000, "\0", '"', "1e999", "\n")
    names = {"a.json": small_run[0], "a.jsonl": small_run[1]}
    damaged = data.draw(st.sampled_from(sorted(names)))
    text = names[damaged]
    place = data.draw(st.integers(0, len(text) - 1))
    tail = data.draw(st.sampled_from([text[place + 1 :], ""]))
    names[damaged] = text[:place] + data.draw(st.sampled_from(["", *pieces])) + tail
    Path("a.json").write_text(names["a.json"])
    Path("a.jsonl").write_text(names["a.jsonl"])
    resume = (*SMALL, "-o", "a.json", "--resume")
    output = call(*data.draw(st.sampled_from([("show", "a.json"), resume])))

    repeated = output.status == 0 and "repeated" in output.err
    assert repeated or ends_in_a_sentence(output), output
