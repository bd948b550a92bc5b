"""Tags of a run: the git revision and the tox environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pvbench.host import tags
from pvbench.results import files as result_files
from pvbench.results.rows import rows
from support.runs import HOST_FOLDER, Cli, run_to

ROOT = Path(__file__).parents[3]
NATIVE = ("-k", "dry-run", "--sender", "native", "--vcpus", "2")


def git(*arguments: str) -> str:
    """The output of git in the current directory, with a user of the tests."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    person = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    output = subprocess.run(
        ["git", *person, *arguments], capture_output=True, text=True, check=True
    )
    return output.stdout.strip()


@pytest.fixture(autouse=True)
def elsewhere(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory below no repository, in no tox environment."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for name in ("TOX_ENV_NAME", "GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)


def commit() -> str:
    """Make a repository with one commit here; its revision, twelve digits."""
    git("init", "-q")
    Path("tracked").write_text("one")
    git("add", "tracked")
    git("commit", "-q", "-m", "one")
    return git("rev-parse", "HEAD")[:12]


def test_without_a_repository_and_tox_there_are_no_tags() -> None:
    """An absent tag has no placeholder."""
    assert tags.tags() == {}


def test_a_repository_without_a_commit_has_no_revision() -> None:
    """git describe fails there."""
    git("init", "-q")

    assert tags.tags() == {}


def test_without_git_there_is_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine may not have git."""
    commit()
    monkeypatch.setenv("PATH", "/nonexistent")

    assert tags.tags() == {}


def test_the_revision_is_that_of_the_directory() -> None:
    """It has twelve digits, which is enough for large repositories."""
    revision = commit()

    assert tags.tags() == {"pvbench_git": revision}


def test_a_folder_of_a_repository_has_its_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may be started in any folder of the repository."""
    revision = commit()
    Path("below").mkdir()
    monkeypatch.chdir("below")

    assert tags.tags() == {"pvbench_git": revision}


@pytest.mark.parametrize("changed", ["worktree", "index"])
def test_changes_make_a_revision_dirty(changed: str) -> None:
    """With changed files, the measured code is not that of a commit."""
    revision = commit()
    Path("tracked").write_text("two")
    if changed == "index":
        git("add", "tracked")

    assert tags.tags() == {"pvbench_git": f"{revision}-dirty"}


def test_a_new_file_does_not_make_a_revision_dirty() -> None:
    """Result files are new files."""
    revision = commit()
    Path("untracked").touch()

    assert tags.tags() == {"pvbench_git": revision}


def test_a_tag_does_not_take_the_place_of_the_revision() -> None:
    """A git tag can be moved to another commit."""
    revision = commit()
    git("tag", "-a", "v1", "-m", "one")

    assert tags.tags() == {"pvbench_git": revision}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("bench-kvm-pv", {"pvbench_tox_env": "bench-kvm-pv"}, id="in-tox"),
        pytest.param("", {}, id="empty"),
    ],
)
def test_the_tox_environment_is_a_tag(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: dict[str, str]
) -> None:
    """tox sets TOX_ENV_NAME."""
    monkeypatch.setenv("TOX_ENV_NAME", value)

    assert tags.tags() == expected


def test_tags_are_in_the_metadata_of_every_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """`show --json` has them, and `compare` uses them."""
    monkeypatch.setenv("TOX_ENV_NAME", "bench-x")
    revision = commit()
    run_to(Path("a.json"), *NATIVE)
    result = rows(result_files.read("a.json"))

    assert {(r.fact("tox_env"), r.fact("git")) for r in result} == {("bench-x", revision)}


def test_a_run_without_tags_has_no_such_metadata() -> None:
    """An empty tag is not stored either."""
    run_to(Path("a.json"), *NATIVE)

    assert [
        r for r in rows(result_files.read("a.json")) if {"tox_env", "git"} & set(r.facts)
    ] == []


@pytest.mark.parametrize(
    ("environment", "options", "expected"),
    [
        pytest.param("", (), "norov.json", id="neither"),
        pytest.param("bench-x", (), "norov-bench-x.json", id="tox-environment"),
        pytest.param("", ("--label", "my try/2"), "norov-my-try-2.json", id="label"),
        pytest.param("bench-x", ("--label", "mine"), "norov-mine.json", id="label-wins"),
    ],
)
def test_a_file_is_named_by_its_label_or_tox_environment(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    options: tuple[str, ...],
    expected: str,
) -> None:
    """The name starts with the time and the suite."""
    monkeypatch.setenv("TOX_ENV_NAME", environment)
    cli("run", "norov", "--fast", "-q", *NATIVE, *options)
    (path,) = HOST_FOLDER.glob("*.json")

    assert path.name[17:] == expected


@pytest.mark.parametrize(
    "path", sorted((ROOT / "results/model").glob("*.json")), ids=lambda path: path.stem
)
def test_no_golden_result_has_a_tag(path: Path) -> None:
    """Golden results do not depend on where they were computed."""
    text = path.read_text()

    assert [tag for tag in ("pvbench_git", "pvbench_tox_env") if tag in text] == []


NOT_STORABLE = [
    pytest.param("a\nb", id="two-lines"),
    pytest.param("a\tb", id="tab"),
    pytest.param("\x1b[31m", id="escape"),
    pytest.param(" ", id="blank"),
    pytest.param(" a", id="blank-before"),
    pytest.param("a ", id="blank-behind"),
    pytest.param("\udc80", id="not-utf-8"),
]


@pytest.mark.parametrize("name", NOT_STORABLE)
def test_an_environment_name_that_cannot_be_stored_is_refused_before_a_boot(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """pyperf would refuse it after the first boot; one sentence, exit status 2, no file."""
    monkeypatch.setitem(os.environ, "TOX_ENV_NAME", name)
    output = run_to(Path("a.json"), *NATIVE)

    assert (output.status, output.out, list(Path().glob("a.json*"))) == (2, "", [])
    assert output.err == (
        f"pvbench: TOX_ENV_NAME {name!r} cannot be stored. "
        "Give one line of printable text without blanks at its ends.\n"
    )


@pytest.mark.parametrize("label", [*NOT_STORABLE, pytest.param("", id="empty")])
def test_a_label_that_cannot_be_stored_is_refused_before_a_boot(cli: Cli, label: str) -> None:
    """``--label`` is refused so, too, also by a dry run."""
    output = run_to(Path("a.json"), *NATIVE, "--label", label)
    dry = cli("run", "norov", "--dry-run", "--label", label)

    assert (output.status, dry.status, list(Path().glob("a.json*"))) == (2, 2, [])
    assert output.err.startswith(f"pvbench: --label {label!r} cannot be stored. ")
