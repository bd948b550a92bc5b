"""The files that a comparison reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.compare import reading
from pvbench.compare.question import Question
from pvbench.errors import UsageError
from support.runs import HOST_FOLDER, file_of, row_of


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without results."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("names", "environments", "message"),
    [
        pytest.param(["a.json"], [], "takes 2 result files, but there are 1", id="too-few"),
        pytest.param([], [], "takes 2 result files, but there are 0", id="none"),
        pytest.param(["a.json", "./a.json"], [], "a file is named twice", id="twice"),
        pytest.param(
            ["a.json"], ["bench"], "--env and names of files exclude each other", id="both"
        ),
    ],
)
@pytest.mark.usefixtures("_elsewhere")
def test_names_that_make_no_comparison_are_refused(
    names: list[str], environments: list[str], message: str
) -> None:
    """They are refused before a file is read."""
    with pytest.raises(UsageError, match=message):
        reading.choose(names, environments, Question())


@pytest.mark.usefixtures("_elsewhere")
def test_without_names_the_last_runs_are_taken() -> None:
    """These are the last two runs, or the last run if all sides can be in one file."""
    folder = HOST_FOLDER
    folder.mkdir(parents=True)
    for day in (1, 2, 3):
        name = folder / f"2026010{day}T000000Z-norov.json"
        file_of(name, row_of("broadcast", "x2apic-physical", 1e-6))

    questions = Question(), Question(by="sender")
    last_two_runs, last_run = (reading.choose([], [], question) for question in questions)

    assert [Path(name).name[:8] for name in last_two_runs.names] == ["20260102", "20260103"]
    assert [Path(name).name[:8] for name in last_run.names] == ["20260103"]
    assert last_two_runs.stale == ()


def test_rows_have_the_name_of_their_file(tmp_path: Path) -> None:
    """Boots are shared only within one file."""
    name = file_of(tmp_path / "a.json", row_of("broadcast", "x2apic-physical", 1e-6))
    ((row,),) = reading.read_rows([name]).values()

    assert (row.file, row.fact("workload")) == (name, "broadcast")
