"""The revisions of a git repository, of which one consists of the files as they are."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pvbench import notices
from pvbench.errors import UnavailableError, UsageError
from pvbench.text import one_line
from pvbench_site_lab import programs

_GIT_S: Final = 600.0
# Two commits of the same files are the same commit.
_SAME: Final = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in {
        "NAME": "pvbench",
        "EMAIL": "pvbench@localhost",
        "DATE": "2026-01-01T00:00:00Z",
    }.items()
}


def commit_of(folder: Path, revision: str) -> str:
    """
    The commit that *revision* of the repository *folder* is; '' are the files as they are.

    Raises:
        UsageError: there is no such revision.
        UnavailableError: git cannot read the files.
    """
    return _named(folder, revision) if revision else _of_files(folder)


def _named(folder: Path, revision: str) -> str:
    done = _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    commit = done.stdout.strip()
    if done.returncode or revision.startswith("-") or not commit.isalnum():
        raise UsageError(
            f"{folder} has no git revision {revision!r}",
            why=one_line(done.stderr),
            fix="Name a branch, a tag or a commit of that repository.",
        )
    return commit


def _of_files(folder: Path) -> str:
    """
    A commit of the files as they are on top of HEAD, or HEAD if nothing has changed.

    Neither the index nor a branch of the user changes.
    """
    head = _output(folder, "rev-parse", "--verify", "HEAD^{commit}")
    with tempfile.TemporaryDirectory() as temporary:
        index = Path(temporary) / "index"
        shutil.copy2(folder / _output(folder, "rev-parse", "--git-path", "index"), index)
        own_index = {"GIT_INDEX_FILE": str(index)}
        _output(folder, "add", "--all", environment=own_index)
        files = _output(folder, "write-tree", environment=own_index)
    if files == _output(folder, "rev-parse", "HEAD^{tree}"):
        return head
    words = ("commit-tree", files, "-p", head, "-m", "the files as they are")
    return _output(folder, *words, environment=_SAME)


def write(commit: str, folder: Path, worktree: Path) -> None:
    """
    Write the files of *commit* of the repository *folder* to *worktree*.

    Raises:
        UnavailableError: git cannot do it.
    """
    if (worktree / ".git").exists():
        done = _git(worktree, "checkout", "--quiet", "--detach", "--force", commit)
    else:
        shutil.rmtree(worktree, ignore_errors=True)
        notices.say(f"writing the files of {folder}@{commit[:12]} to a worktree")
        options = ("--force", "--detach", "--quiet")
        done = _git(folder, "worktree", "add", *options, str(worktree), commit)
    if done.returncode:
        raise UnavailableError(
            f"git cannot write the files of {folder}@{commit[:12]} to {worktree}",
            why=one_line(done.stderr),
        )


def _output(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> str:
    """
    The output of git.

    Raises:
        UnavailableError: it fails.
    """
    done = _git(folder, *words, environment=environment)
    if done.returncode:
        raise UnavailableError(
            f"git cannot read the files of {folder}",
            why=one_line(done.stderr) or f"git {words[0]} fails",
            fix="Make a first commit there, or name a revision: TREE@REV.",
        )
    return done.stdout.strip()


def _git(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = ["git", *words]
    install = "apt-get install git"
    return programs.run(command, folder, _GIT_S, missing=install, environment=environment)
