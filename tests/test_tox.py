"""The tox environments that benchmark, as tox sees them; nothing is installed or run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tox.plugin.inline import load_inline

from support.helpers import bundled
from support.runs import call
from support.tox_env import commit, config, installed, tox

ROOT = Path(__file__).parents[1]
GUESTS = [n for n, s in bundled().senders.items() if s.mechanism != "kernel"]
FANOUT = "fanout --guest dense:8 --guest dense:80"
TRIO = "bench-x2apic-physical,bench-x2apic-cluster,bench-kvm-pv"
ACME = """
from pvbench.hookspecs import hookimpl
from pvbench.sender import Sender

pvbench_api = 1


class Acme(Sender):
    name = "acme"
    summary = "for tests"


@hookimpl
def pvbench_senders():
    return [Acme()]
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of this project that tox reads, in an empty folder without other plugins."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("tox.ini", "toxfile.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("TOX", "REV"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PATH", os.defpath)
    return folder


@pytest.fixture
def toxfile() -> ModuleType:
    """The file itself, loaded as tox loads it."""
    module = load_inline(ROOT / "tox.ini")
    assert module is not None
    return module


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules and distributions tox finds first."""
    folder = tmp_path / "beside"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def commands(*arguments: str) -> dict[str, str]:
    """The commands of each environment asked for."""
    configured = config(*arguments)
    return {
        name.removeprefix("testenv:"): configured[name]["commands"]
        for name in configured.sections()
    }


def test_every_bundled_sender_of_a_guest_has_an_environment(toxfile: ModuleType) -> None:
    """The entry points are read without importing any of them; the model runs no kernel."""
    assert sorted(toxfile.bundled()) == GUESTS


def test_a_sender_s_entry_point_is_called_by_its_name() -> None:
    """The rule the list of environments rests on: send-SENDER."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["pvbench"]
    modules = bundled().module_of
    expected = {f"send-{name}": modules[f"sender {name}"] for name in bundled().senders}

    assert {n: m for n, m in points.items() if m in expected.values()} == expected


@pytest.mark.parametrize(
    "pvbench",
    [
        pytest.param("raise ModuleNotFoundError('none', name='pvbench')", id="absent"),
        pytest.param("raise RuntimeError('half an edit')", id="broken"),
    ],
)
def test_the_environments_of_this_project_need_no_pvbench_beside_tox(
    beside: Path, pvbench: str
) -> None:
    """A broken one must not keep the tests from running either."""
    (beside / "pvbench.py").write_text(pvbench)

    listed = tox("list", "--no-desc", "-q").split()

    expected = {f"bench-{name}" for name in GUESTS}
    assert {name for name in listed if name.startswith("bench-")} == expected | {
        *("bench-rev", "bench-py311", "bench-py312", "bench-py313")
    }


def test_a_benchmark_runs_its_sender_with_the_package_alone() -> None:
    """No extras of the tests; and no worker imports pvbench from this folder."""
    configured = config("-e", "bench-kvm-pv-4.19")["testenv:bench-kvm-pv-4.19"]

    assert f"pvbench run {FANOUT} --sender kvm-pv-4.19 -q" == configured["commands"]
    assert (configured["package"], configured["extras"], configured["deps"]) == (
        "wheel",
        "",
        "",
    )
    assert "PYTHONSAFEPATH=1" in configured["set_env"]
    assert "PVBENCH_*" in configured["pass_env"].split()  # such as PVBENCH_LOCK
    assert configured["description"] == "benchmark kvm-pv-4.19"


def test_run_along_with_one_benchmark_compare_takes_the_usual_three() -> None:
    """The benchmark in the same run is not part of the comparison."""
    expected = {
        "bench-kvm-pv": f"pvbench run {FANOUT} --sender kvm-pv -q",
        "compare": f"pvbench compare --by sender --env {TRIO}",
    }

    assert expected == commands("-e", "bench-kvm-pv,compare")


def test_all_benchmarks_are_a_label_and_take_another_suite() -> None:
    """Arguments after the dashes are for the runs, not for compare."""
    configured = commands("-m", "bench", "--", "pairs", "--fast")

    compared = configured.pop("compare")
    expected = {
        f"bench-{name}": f"pvbench run pairs --fast --sender {name} -q" for name in GUESTS
    }
    assert (expected, f"pvbench compare --by sender --env {TRIO}") == (configured, compared)


@pytest.mark.parametrize(
    ("along", "expected"),
    [
        pytest.param(
            "bench-xen-evtchn,bench-kvm-pv",
            "--by sender --env bench-xen-evtchn,bench-kvm-pv",
            id="a-sender-each",
        ),
        pytest.param("bench-py312,bench-rev", "--env bench-py312,bench-rev", id="same-cases"),
    ],
)
def test_benchmarks_that_run_along_are_compared(along: str, expected: str) -> None:
    """They keep their order; they are compared by sender if each has one, else case by case."""
    assert f"pvbench compare {expected}" == commands("-e", f"{along},compare")["compare"]


def test_compare_alone_uses_the_given_arguments() -> None:
    """They are files, or any environments, of which the newest results are taken."""
    arguments = ("-e", "compare", "--", "--env", "bench-py311,bench-py312")

    assert commands(*arguments) == {"compare": "pvbench compare --env bench-py311,bench-py312"}


def test_compare_waits_for_all_benchmarks() -> None:
    """A user's own are those that run along."""
    waits = config("-e", "compare,bench-py311,bench-rev")["testenv:compare"]["depends"]

    expected = {f"bench-{name}" for name in (*GUESTS, "rev", "py311")}
    assert expected == set(waits.split())


@pytest.mark.parametrize("version", ["311", "312", "313"])
def test_every_python_has_a_benchmark_of_all_senders(version: str) -> None:
    """On the model they are equal; the environments are for other clocks."""
    name = f"bench-py{version}"

    assert {name: "pvbench run smoke -q"} == commands("-e", name)


def test_another_revision_is_installed_by_its_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name tox would not see that the branch has moved."""
    assert commit()
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, check=True)
    subprocess.run(["git", "tag", "v0"], check=True)
    monkeypatch.setenv("REV", "v0")

    configured = config("-e", "bench-rev")["testenv:bench-rev"]

    revision = head.stdout.decode().strip()
    assert f"pvbench @ git+file://{checkout}@{revision}" == configured["deps"]
    assert (configured["skip_install"], configured["commands"]) == (
        "True",
        "pvbench run smoke -q",
    )


def test_pip_refuses_a_revision_that_git_does_not_know(toxfile: ModuleType) -> None:
    """Other environments must not suffer."""
    assert toxfile.commit_of("no-such-revision") == "no-such-revision"


def test_a_sender_of_another_distribution_is_installed_with_this_pvbench(
    checkout: Path, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together, so that pip looks for no other pvbench."""
    monkeypatch.delenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD")
    installed(beside, "pvbench-acme", "1.2")
    points = beside / "pvbench_acme-1.2.dist-info" / "entry_points.txt"
    points.write_text("[pvbench]\nacme = acme_sender\n")
    (beside / "acme_sender.py").write_text(ACME)

    configured = config("-e", "bench-acme")["testenv:bench-acme"]

    assert ["-e", f"file://{checkout}", "pvbench-acme==1.2"] == configured["deps"].split()
    assert ("True", f"pvbench run {FANOUT} --sender acme -q") == (
        configured["skip_install"],
        configured["commands"],
    )


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param(None, "pvbench-acme==1.2", id="index"),
        pytest.param(
            {"url": "file:///src/my%20acme", "dir_info": {"editable": True}},
            "-e file:///src/my%20acme",
            id="editable",
        ),
        pytest.param(
            {"url": "file:///src/acme", "dir_info": {}},
            "pvbench-acme @ file:///src/acme",
            id="folder",
        ),
        pytest.param(
            {
                "url": "https://example.org/acme",
                "vcs_info": {
                    "vcs": "git",
                    "commit_id": "0123abcd",
                    "requested_revision": "main",
                },
            },
            "pvbench-acme @ git+https://example.org/acme@0123abcd",
            id="repository",
        ),
        pytest.param(
            {"url": "file:///src/acme.whl", "archive_info": {}},
            "pvbench-acme @ file:///src/acme.whl",
            id="wheel",
        ),
    ],
)
def test_a_distribution_comes_from_where_it_came_before(
    toxfile: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    origin: dict[str, object] | None,
    expected: str,
) -> None:
    """The packaging specification "Direct URL Origin" says where the origin is stored."""
    installed(tmp_path, "pvbench-acme", "1.2")
    if origin:
        origin_file = tmp_path / "pvbench_acme-1.2.dist-info" / "direct_url.json"
        origin_file.write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(str(tmp_path))

    assert expected == toxfile.requirement_of("pvbench-acme")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Write the project of a reader of docs/comparing.md, and go there."""

    def write() -> None:
        folder = tmp_path / "acme"
        folder.mkdir()
        blocks = re.findall(
            r"```ini\n(.*?)```", (ROOT / "docs" / "comparing.md").read_text(), re.DOTALL
        )
        (folder / "tox.ini").write_text("\n".join(blocks))
        text = '[project]\nname = "pvbench-acme"\nversion = "1.2"\ndependencies = ["pvbench"]\n'
        (folder / "pyproject.toml").write_text(text)
        monkeypatch.chdir(folder)

    return write


def test_the_documented_tox_ini_compares_a_plugin_with_a_bundled_sender(
    project: Callable[[], None],
) -> None:
    """Each has an environment; a plain `tox` runs all three."""
    project()
    expected = {
        "bench-kvm-pv": "pvbench run fanout --sender kvm-pv -q",
        "bench-acme": "pvbench run fanout --sender acme -q",
        "compare": "pvbench compare --by sender --env bench-kvm-pv,bench-acme",
    }

    configured = config()

    assert expected == {
        n.removeprefix("testenv:"): configured[n]["commands"] for n in configured.sections()
    }
    assert configured["testenv:compare"]["depends"].split() == ["bench-kvm-pv", "bench-acme"]


def test_the_documented_tox_ini_has_environments_for_released_versions(
    project: Callable[[], None],
) -> None:
    """Each has one version, and not the one beside tox.ini."""
    project()

    configured = config("-e", "bench-acme1.1,bench-acme1.2")

    versions = {
        "testenv:bench-acme1.1": ("\npvbench\npvbench-acme==1.1", "True"),
        "testenv:bench-acme1.2": ("\npvbench\npvbench-acme==1.2", "True"),
    }
    documented = {
        n: (configured[n]["deps"], configured[n]["skip_install"]) for n in configured.sections()
    }
    assert versions == documented


def test_the_documented_comparison_matches_its_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same two runs and the same comparison, without tox."""
    for sender in ("x2apic-physical", "kvm-pv"):
        monkeypatch.setenv("TOX_ENV_NAME", f"bench-{sender}")
        assert call("run", *FANOUT.split(), "--sender", sender, "-q").status == 0

    output = call("compare", "--by", "sender", "--env", "bench-x2apic-physical,bench-kvm-pv")

    page = (ROOT / "docs" / "comparing.md").read_text()
    table = re.search(r"Among other tables it prints:\n\n```\n(.*?)```", page, re.DOTALL)
    assert table is not None
    assert (output.status, table[1] in output.out) == (0, True)
