"""Results by the tox environment they were made in, and when one is stale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pvbench.errors import UsageError
from pvbench.results.tox_envs import newest
from support.runs import call
from support.tox_env import commit, installed, result_of

SITE_PACKAGES = Path(".tox/bench-acme/lib/python3.11/site-packages")


@pytest.fixture(autouse=True)
def nothing_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty directory that no environment of tox has been in."""
    monkeypatch.chdir(tmp_path)
    for name in ("TOX_ENV_NAME", "TOX_WORK_DIR"):
        monkeypatch.delenv(name, raising=False)


def stale(environment: str = "bench-acme") -> str:
    """Why the newest result of it is stale."""
    return newest((environment,))[environment].stale


def test_a_run_is_selected_by_its_tox_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """tox sets TOX_ENV_NAME, and the run keeps it."""
    monkeypatch.setenv("TOX_ENV_NAME", "bench-kvm-pv")
    run = ["run", "smoke", "--fast", "-q", "--sender", "kvm-pv", "-k", "normal"]
    assert call(*run).status == 0
    monkeypatch.delenv("TOX_ENV_NAME")
    assert call(*run).status == 0

    results = newest(("bench-kvm-pv",))

    assert "bench-kvm-pv" in results["bench-kvm-pv"].path.name
    assert results["bench-kvm-pv"].stale == ""


def test_of_several_runs_in_an_environment_the_newest_counts() -> None:
    """By the time in the file's name, whatever order they were written in."""
    last = result_of("bench-acme", day=9)
    result_of("bench-acme", day=8)
    result_of("bench-other", day=10)
    result_of("", day=11)

    assert newest(("bench-acme",))["bench-acme"].path == Path(last)


def test_environments_keep_the_order_they_are_named_in() -> None:
    """The first is the baseline, however old it is."""
    result_of("bench-a", day=2)
    result_of("bench-b", day=3)
    result_of("bench-c", day=1)

    assert list(newest(("bench-b", "bench-c", "bench-a"))) == ["bench-b", "bench-c", "bench-a"]


def test_a_run_that_has_measured_nothing_yet_does_not_count() -> None:
    """Its file is empty until it ends."""
    last = result_of("bench-acme", day=1)
    Path(last).with_name("20260102T120000Z-norov-bench-acme.json").touch()

    assert newest(("bench-acme",))["bench-acme"].path == Path(last)


def test_environments_without_results_are_named_with_the_tox_command() -> None:
    """One command has all of them; for a misspelt name the message has those that exist."""
    result_of("bench-b")
    result_of("bench-a", day=2)
    result_of("", day=3)
    there_are = r"there are results of bench-a, bench-b\. Run tox -e bench-x,bench-y first\.$"
    message = rf"^there is no result of bench-x, bench-y here: {there_are}"

    with pytest.raises(UsageError, match=message):
        newest(("bench-x", "bench-a", "bench-y"))


def test_without_any_result_the_message_has_only_the_command() -> None:
    """Nothing is there to be meant instead."""
    message = r"^there is no result of bench-x here\. Run tox -e bench-x first\.$"

    with pytest.raises(UsageError, match=message):
        newest(("bench-x",))


def test_a_result_of_this_revision_is_not_stale() -> None:
    """The revision of the folder it was run in."""
    result_of("bench-acme", git=commit())

    assert stale() == ""


def test_a_result_of_another_revision_is_stale() -> None:
    """Both are named, so that one sees which way it went."""
    revision = commit()
    result_of("bench-acme", git="0123456789ab")

    assert stale() == f"made at revision 0123456789ab, this is {revision}"


def test_a_result_from_outside_a_checkout_is_stale_inside_one() -> None:
    """The software that produced it is unknown."""
    revision = commit()
    result_of("bench-acme")

    assert stale() == f"made at revision unknown, this is {revision}"


@pytest.mark.parametrize("fact", ["sender_plugin", "delivery_plugin"])
def test_a_result_is_stale_if_its_environment_has_another_version_now(fact: str) -> None:
    """Reinstalled since, not run again."""
    made_with: dict[str, Any] = {fact: "pvbench-acme 1.2"}
    result_of("bench-acme", **made_with)
    installed(SITE_PACKAGES, "pvbench-acme", "1.3")

    assert stale() == "made with pvbench-acme 1.2, 1.3 is installed"


def test_a_version_of_its_own_makes_no_result_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Environments differ in the software under test: here is the one that counts."""
    result_of("bench-acme", sender_plugin="pvbench-acme 1.2")
    installed(SITE_PACKAGES, "pvbench-acme", "1.2")
    installed(tmp_path / "here", "pvbench-acme", "1.3")
    monkeypatch.syspath_prepend(str(tmp_path / "here"))

    assert stale() == ""


def test_tox_may_keep_its_environments_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells the commands it runs where."""
    monkeypatch.setenv("TOX_WORK_DIR", str(tmp_path / "elsewhere"))
    result_of("bench-acme", sender_plugin="pvbench-acme 1.2")
    site_packages = tmp_path / "elsewhere" / SITE_PACKAGES.relative_to(".tox")
    installed(site_packages, "pvbench-acme", "1.3")

    assert stale() == "made with pvbench-acme 1.2, 1.3 is installed"


def test_where_tox_keeps_no_environment_the_software_beside_this_pvbench_counts() -> None:
    """A result brought along, or an environment that was removed."""
    result_of("bench-acme", sender_plugin="pvbench 0.0.1")

    assert stale().startswith("made with pvbench 0.0.1, ")


def test_a_plugin_that_is_nowhere_installed_makes_no_result_stale() -> None:
    """Nothing is known, so nothing is said."""
    result_of("bench-acme", sender_plugin="pvbench-nowhere 1.2")

    assert stale() == ""
