"""The measurements of `pvbench noise` are appended line by line, and checked when read."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UnavailableError, UsageError
from pvbench.results import noise
from pvbench.results.noise import Conditions, Line

FACTS = {"host_cpu_model": "Xeon", "host_nested": "no", "host_kernel_release": "6.12"}
PLAN = {"effort": {"boots": 10, "slices": 4, "loops": 100, "warmup": 10, "slice_s": 0.25}}
LINE = Line(
    kind="runs",
    host={"cpu_model": "Xeon"},
    effort={"slices": 4.0},
    boots=10,
    values={"fanout wall": 0.01},
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)


@given(
    values=st.dictionaries(st.text(max_size=5), st.floats(-1, 1), max_size=3),
    boots=st.integers(1, 100),
)
def test_a_line_is_read_as_it_was_appended(values: dict[str, float], boots: int) -> None:
    """Series may have any name."""
    line = attrs.evolve(LINE, values=values, boots=boots)
    noise.append(line)

    assert noise.read(noise.path_here())[-1] == line


def test_sessions_add_up() -> None:
    """A file that does not exist yet has none."""
    before = noise.read(noise.path_here())
    noise.append(LINE)
    noise.append(attrs.evolve(LINE, kind="boots"))

    assert before == ()
    assert [line.kind for line in noise.read(noise.path_here())] == ["runs", "boots"]


def test_a_last_line_without_an_end_is_left_out() -> None:
    """The process that wrote it was killed."""
    noise.append(LINE)
    path = noise.path_here()
    path.write_bytes(path.read_bytes() + b'{"format": 1, "ki')

    assert noise.read(path) == (LINE,)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("{", "it is not JSON", id="no-json"),
        pytest.param("[" * 100_000, "its values are nested", id="deep"),
        pytest.param("[]", "a list is not an object of format, kind", id="no-object"),
        pytest.param('"format": 2', "format: 2 is not an integer in 1..1", id="format"),
        pytest.param('"kind": "x"', "kind: it is not one of boots, runs", id="kind"),
        pytest.param('"boots": 0', "boots: 0 is not an integer in 1", id="boots"),
        pytest.param('"values": {"a": NaN}', "it has NaN, which JSON does not have", id="nan"),
        pytest.param('"values": {"a": 1e9}', "values: a: 1000000000.0 is not a", id="huge"),
        pytest.param('"host": {"a": 1}', "host: a: 1 is not a text", id="host"),
    ],
)
def test_a_malformed_line_is_named(line: str, why: str) -> None:
    """It is the second one; --over may have taken hours, so nothing is dropped silently."""
    noise.append(LINE)
    path = noise.path_here()
    whole = path.read_text()
    key = line.split(":", maxsplit=1)[0]
    start = whole.find(key) if ":" in line else -1
    end = whole.find("}" if line.endswith("}") else ",", start) + line.endswith("}")
    broken = line if start < 0 else f"{whole[:start]}{line}{whole[end:].rstrip()}"
    path.write_text(f"{whole}{broken}\n")

    with pytest.raises(UsageError) as error:
        noise.read(path)
    assert f"line 2 of {path} is malformed: {why}" in str(error.value)


def test_a_device_in_the_place_of_the_file_is_refused() -> None:
    """Reading it would block."""
    noise.path_here().parent.mkdir(parents=True)
    os.mkfifo(noise.path_here())

    with pytest.raises(UsageError, match="cannot be read"):
        noise.read(noise.path_here())
    with pytest.raises(UnavailableError, match="cannot be written"):
        noise.append(LINE)


def test_the_conditions_name_host_and_effort() -> None:
    """The kernel may differ: that is what allowances are for."""
    conditions = noise.conditions_of(FACTS, PLAN, 10)

    assert conditions.host["cpu_model"] == "Xeon"
    assert conditions.host["governor"] == "-"
    assert "kernel_release" not in conditions.host
    assert conditions.effort == {"slices": 4, "loops": 100, "warmup": 10, "slice_s": 0.25}
    assert noise.conditions_of(FACTS, {}, 10).effort == {}


def test_a_file_of_an_edited_plan_is_described_by_numbers_only() -> None:
    """A journal may be edited."""
    plan = {"effort": {"slices": "many", "slice_s": None}}

    assert set(noise.conditions_of(FACTS, plan, 1).effort.values()) == {0.0}


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        pytest.param({}, True, id="the-same"),
        pytest.param({"boots": 9}, True, id="fewer-boots"),
        pytest.param({"boots": 11}, False, id="more-boots"),
        pytest.param({"kind": "boots"}, False, id="another-kind"),
        pytest.param({"host": {}}, False, id="another-host"),
        pytest.param({"effort": {}}, False, id="another-effort"),
    ],
)
def test_sessions_with_as_much_noise_or_more_match(
    changes: dict[str, object], matches: bool
) -> None:
    """Runs of fewer boots differ more."""
    conditions = noise.conditions_of(FACTS, PLAN, 10)
    line = Line(kind="runs", values={}, **attrs.asdict(conditions))
    changed = attrs.evolve(line, **changes)  # type: ignore[arg-type]

    assert noise.matching([changed], "runs", conditions) == ((changed,) if matches else ())


def test_the_file_is_in_the_folder_of_the_runs() -> None:
    """Beside the files that are compared, too."""
    assert noise.beside(Path("results/x/a.json")) == Path("results/x/noise.jsonl")
    assert isinstance(noise.conditions_of({}, {}, 1), Conditions)
