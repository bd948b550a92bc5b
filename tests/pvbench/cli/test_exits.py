"""`--exit bisect`: the statuses that `git bisect run` understands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pvbench.cli import exits
from support.helpers import DEADLINE_S
from support.runs import Cli, buffered, command, file_of, row_of

PHYSICAL = "x2apic-physical"
BISECT = ("--exit", "bisect")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(0, 0, id="good"),
        pytest.param(1, 1, id="bad"),
        pytest.param(4, 125, id="inconclusive"),
        pytest.param(3, 125, id="nothing-measured"),
        pytest.param(2, 130, id="usage"),
        pytest.param(5, 133, id="environment"),
        pytest.param(6, 134, id="proof"),
        pytest.param(70, 198, id="bug"),
        pytest.param(130, 130, id="interrupted"),
        pytest.param(143, 143, id="terminated"),
    ],
)
def test_a_status_without_an_answer_is_neither_good_nor_bad(status: int, expected: int) -> None:
    """A revision is skipped, and an error ends the bisection."""
    assert exits.for_bisect(status) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("old.json", "old2.json"), 0, id="equal"),
        pytest.param(("old.json", "slow.json"), 1, id="slower"),
        pytest.param(("old.json", "other.json"), 125, id="missing"),
        pytest.param(("old.json", "lossy.json"), 1, id="loses"),
        pytest.param(("old.json", "nowhere.json"), 130, id="no-file"),
        pytest.param(("old.json", "--xyzzy"), 130, id="wrong-option"),
    ],
)
@pytest.mark.parametrize("words", [BISECT, ("--exit=bisect",)])
def test_compare_ends_as_a_bisection_expects(
    cli: Cli, words: tuple[str, ...], arguments: tuple[str, ...], expected: int
) -> None:
    """A mistake in the command line must not look like a bad revision."""
    row = row_of("broadcast", PHYSICAL, 1e-6)
    file_of(Path("old.json"), row)
    file_of(Path("old2.json"), row)
    file_of(Path("slow.json"), row_of("broadcast", PHYSICAL, 2e-6))
    file_of(Path("other.json"), row_of("self-ipi", PHYSICAL, 1e-6))
    file_of(Path("lossy.json"), row_of("broadcast", PHYSICAL, 1e-6, series="send", lost=1))

    assert cli("compare", *arguments, *words).status == expected


def git(*arguments: str) -> str:
    """Run git in the current directory, without the user's configuration."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *arguments],
        env=buffered() | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_git_bisect_run_finds_the_revision_that_became_slower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It skips the revision in the middle, which has no result."""
    monkeypatch.chdir(tmp_path)
    baseline = file_of(tmp_path / "baseline.json", row_of("broadcast", PHYSICAL, 1e-6))
    Path("tree").mkdir()
    monkeypatch.chdir(tmp_path / "tree")
    git("init", "-q")
    revisions = []
    for number in range(8):
        workload = "self-ipi" if number == 3 else "broadcast"
        time_s = 1e-6 if number < 5 else 1.5e-6
        file_of(Path("result.json"), row_of(workload, PHYSICAL, time_s, label=str(number)))
        git("add", "result.json")
        git("commit", "-q", "-m", str(number))
        revisions.append(git("rev-parse", "HEAD").strip())
    git("bisect", "start", revisions[-1], revisions[0])
    output = git("bisect", "run", *command("compare", baseline, "result.json", *BISECT))

    assert f"{revisions[5]} is the first bad commit" in output
    assert f"git bisect skip {revisions[3]}" in git("bisect", "log")
