"""`--resume` without -o: which run is continued, and when a new one starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvbench.results import journal
from pvbench.results.journal import Journal
from support.resume import cut_after, small
from support.runs import HOST_FOLDER, Cli

pytestmark = pytest.mark.usefixtures("replayed_boots")


def started(cli: Cli, *options: str, boots: int = 1) -> Path:
    """A run that was killed after some boots; its results, whole."""
    before = set(HOST_FOLDER.glob("*.json"))
    small(cli, *options)
    (path,) = set(HOST_FOLDER.glob("*.json")) - before
    cut_after(path, boots)
    return path


def resumed(cli: Cli, *options: str) -> Path:
    """The result file that `--resume` names."""
    output = small(cli, "--resume", *options)
    assert output.status == 0, output.err
    return Path(output.err.splitlines()[-1].removeprefix("results: "))


def test_without_any_run_a_new_one_starts(cli: Cli) -> None:
    """A script can therefore always use `--resume`."""
    path = resumed(cli)

    assert sorted(HOST_FOLDER.iterdir()) == [path, path.with_suffix(".jsonl")]


@pytest.mark.parametrize("boots", [0, 1])
def test_the_newest_unfinished_run_of_the_plan_is_continued(cli: Cli, boots: int) -> None:
    """An older one stays as it is."""
    older, newer = started(cli, boots=boots), started(cli, boots=boots)
    journal_bytes = older.with_suffix(".jsonl").read_bytes()

    assert resumed(cli) == newer
    assert older.with_suffix(".jsonl").read_bytes() == journal_bytes
    assert resumed(cli) == older


def test_a_run_that_was_killed_before_its_first_result_is_continued(cli: Cli) -> None:
    """Its file is empty and belongs to no other run."""
    path = started(cli, boots=0)
    path.write_bytes(b"")

    assert resumed(cli) == path


def test_a_run_of_another_plan_is_not_continued(cli: Cli) -> None:
    """Even a newer one is not: seed, label and cases belong to a plan."""
    mine = started(cli)
    others = [started(cli, *o) for o in (("--seed", "3"), ("--label", "x"), ("-k", "broad"))]
    books = [path.with_suffix(".jsonl").read_bytes() for path in others]

    assert resumed(cli) == mine
    assert [path.with_suffix(".jsonl").read_bytes() for path in others] == books


def test_a_finished_run_is_not_continued(cli: Cli) -> None:
    """There is nothing to do: a new run starts, the old one is a result."""
    small(cli)
    (old,) = HOST_FOLDER.glob("*.json")
    content = old.read_bytes()
    new = resumed(cli)

    assert (new != old, new.read_bytes(), old.read_bytes()) == (True, content, content)


def test_more_boots_are_added_to_a_finished_run(cli: Cli) -> None:
    """It lacks them, so it is unfinished; fewer boots are another run."""
    small(cli)
    (old,) = HOST_FOLDER.glob("*.json")
    content = old.read_bytes()
    three_boots, one_boot = resumed(cli, "--boots", "3"), resumed(cli, "--boots", "1")

    assert (three_boots, old.read_bytes() != content) == (old, True)
    assert journal.plan_of(journal.read(journal.beside(old)))["effort"]["boots"] == 3
    assert one_boot != old


@pytest.mark.parametrize("ending", ["json", "jsonl"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param("not JSON", id="no-json"),
        pytest.param("not JSON\n", id="no-json-in-a-line"),
        pytest.param('{"plan": {"format": 99}}\n', id="of-a-later-pvbench"),
        pytest.param("", id="empty"),
    ],
)
def test_a_damaged_run_does_not_stop_another(cli: Cli, ending: str, content: str) -> None:
    """Its plan is unknown, so the run to resume is another one."""
    mine = started(cli)
    stray = HOST_FOLDER / "29990101T000000Z-norov.json"
    stray.touch()
    stray.with_suffix(f".{ending}").write_text(content)

    assert resumed(cli) == mine


def test_the_runs_of_another_host_are_not_resumed(cli: Cli) -> None:
    """Each host has a folder of its own for results."""
    started(cli)
    others = HOST_FOLDER.rename(HOST_FOLDER.with_name("other-cpu-8cpu"))
    before = {path.name: path.read_bytes() for path in others.iterdir()}

    assert resumed(cli).parent == HOST_FOLDER
    assert {path.name: path.read_bytes() for path in others.iterdir()} == before


def test_a_run_that_is_under_way_is_not_continued_by_a_second(cli: Cli) -> None:
    """Its journal is locked: the second one ends with a sentence and exit status 5."""
    path = started(cli)
    with Journal.opened(path.with_suffix(".jsonl")):
        output = small(cli, "--resume")

    assert (output.status, len(os.listdir(HOST_FOLDER))) == (5, 2)
    assert output.err.startswith(
        f"pvbench: another run is writing {path.with_suffix('.jsonl')}"
    )


def test_the_reason_for_a_new_run_is_printed(cli: Cli) -> None:
    """A user must notice that a run starts again at its first boot."""
    anew = "there is no unfinished run of this plan here, so a new one starts"
    first = small(cli, "--resume").err
    started(cli, "--seed", "3")
    second = small(cli, "--resume").err

    assert f"pvbench: {anew}\n" in first
    assert f"{anew}; unlike in {HOST_FOLDER}" in second
    assert "seed was 3, is 0" in second


def test_a_run_that_lacks_only_its_end_is_finished(cli: Cli) -> None:
    """Killed after its last boot: nothing is measured again."""
    path = started(cli, boots=2)
    book = path.with_suffix(".jsonl")
    lines = [line for line in book.read_text().splitlines() if '"end"' not in line]
    book.write_text("\n".join(lines) + "\n")

    assert (resumed(cli), list(HOST_FOLDER.glob("*.json"))) == (path, [path])
