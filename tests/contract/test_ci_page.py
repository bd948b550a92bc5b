"""The recipes of docs/ci.md, executed as far as this machine allows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.helpers import DEADLINE_S
from support.pages import ROOT, blocks
from support.require import skip_without
from support.runs import Cli, buffered

PAGE = ROOT / "docs/ci.md"
SENDER = "kvm_pv_sorted.py"
INSTALLS = "pip install "  # lines that a runner needs and this machine does not
# A hypercall for each 8 destinations, and not for 128.
SLOWER = ("low + 2 * bits", "low + bits // 8")


def recipe(name: str) -> str:
    """The file of that name in the page."""
    (block,) = (block for block in blocks(PAGE) if block.info == name)
    return block.text


@pytest.fixture
def project(tmp_path: Path, cli: Cli) -> Path:
    """The folder of a sender of one's own, which is a git repository."""
    assert cli("plugins", "new", "kvm-pv-sorted", "--into", str(tmp_path)).status == 0
    folder = tmp_path / "kvm-pv-sorted"
    git(folder, "init", "-q")
    commit(folder, "first")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """That of a runner: the installed command, a cache of its own, and what CI sets."""
    own = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
        "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"),
        "CI_COMMIT_SHORT_SHA": "0123abcd",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return buffered() | own


def shell(folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script as the runners do."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment(folder) | variables,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """The output of git in a repository."""
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(
        ["git", *name, *arguments],
        cwd=folder,
        env=environment(folder) | variables,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    ).stdout


def commit(folder: Path, message: str) -> str:
    """Commit all files; the revision."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()


def make_slower(folder: Path) -> None:
    """Change the sender so that it needs more hypercalls."""
    path = folder / SENDER
    text = path.read_text()
    assert SLOWER[0] in text
    path.write_text(text.replace(*SLOWER))


def run_all(folder: Path, scripts: list[str]) -> list[int]:
    """The status of each script; as in CI, one that fails ends the job."""
    statuses: list[int] = []
    for script in scripts:
        if not script.startswith(INSTALLS) and not any(statuses):
            statuses.append(shell(folder, script).returncode)
    return statuses


def github() -> list[str]:
    """The scripts of the job for GitHub Actions."""
    workflow: Mapping[Any, Any] = yaml.safe_load(recipe(".github/workflows/pvbench.yml"))
    return [step["run"] for step in workflow["jobs"]["ipi"]["steps"] if "run" in step]


def gitlab(part: str) -> list[str]:
    """The scripts of the job for GitLab."""
    lines: list[str] = yaml.safe_load(recipe(".gitlab-ci.yml"))["ipi"][part]
    return lines


def test_the_job_for_github_passes_until_the_sender_gets_slower(project: Path) -> None:
    """Its summary has the table of the comparison."""
    assert run_all(project, github()) == [0, 0]
    assert run_all(project, github()) == [0, 0]
    make_slower(project)
    assert run_all(project, github()) == [0, 1]

    assert re.search(r"\| +slower \|", (project.parent / "summary.md").read_text())


def test_the_job_for_gitlab_fails_and_has_its_page_all_the_same(project: Path) -> None:
    """The script after it runs also if the job fails."""
    assert run_all(project, gitlab("script")) == [0, 0]
    make_slower(project)
    assert run_all(project, gitlab("script")) == [0, 1]
    assert run_all(project, gitlab("after_script")) == [0]

    assert "label 0123abcd" in (project / "history.html").read_text()
    assert {line.partition(" ")[0] for line in gitlab("before_script")} == {"pip"}


def test_prove_reads_the_ktap_of_the_gate(project: Path) -> None:
    """It fails if a case does."""
    missing = None if shutil.which("prove") else "prove, of Perl, is not installed"
    skip_without("prove", missing, means=True)
    gate = recipe("ktap.sh")
    measure, _ = (script for script in github() if not script.startswith(INSTALLS))
    assert shell(project, measure).returncode == 0
    assert shell(project, gate.splitlines()[0]).returncode == 0  # it makes the baseline
    passed = shell(project, gate)
    make_slower(project)
    assert shell(project, measure).returncode == 0
    shell(project, gate.splitlines()[0])
    failed = shell(project, gate.splitlines()[1])

    assert (passed.returncode, "PASS" in passed.stdout) == (0, True)
    assert (failed.returncode, "FAIL" in failed.stdout) == (1, True)


def test_git_bisect_finds_the_revision_that_is_slower(project: Path, tmp_path: Path) -> None:
    """Revisions before and after it change other lines."""
    script = tmp_path / "bisect.sh"
    script.write_text(recipe("bisect.sh"))
    script.chmod(0o755)
    good = tmp_path / "good.json"
    first = git(project, "rev-parse", "HEAD").strip()
    measure = github()[1].rstrip() + f" -o {good}"
    assert shell(project, measure).returncode == 0
    commit(project, "second")
    make_slower(project)
    slower = commit(project, "third")
    for message in ("fourth", "fifth"):
        commit(project, message)

    git(project, "bisect", "start", "HEAD", first)
    output = git(project, "bisect", "run", str(script), GOOD=str(good))

    assert f"{slower} is the first bad commit" in output


def test_bisect_skips_a_revision_that_cannot_be_measured(project: Path, tmp_path: Path) -> None:
    """Its sender is no Python."""
    (project / SENDER).write_text("no python")

    assert (
        shell(project, recipe("bisect.sh"), GOOD=str(tmp_path / "good.json")).returncode == 125
    )


@pytest.mark.parametrize("has_results", [False, True])
def test_results_do_not_show_up_in_the_status_of_git(
    project: Path, *, has_results: bool
) -> None:
    """Not even if the user has a folder of that name."""
    if has_results:
        (project / "results").mkdir()
        (project / "results/mine.txt").write_text("mine")
        commit(project, "results of the user")
    assert shell(project, github()[1]).returncode == 0

    assert git(project, "status", "--porcelain") == ""
