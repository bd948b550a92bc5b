"""`pvbench plugins new`: the files of a distribution with one sender."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from support.helpers import bundled
from support.runs import Cli
from support.tox_env import config


def test_the_files_are_written_and_the_next_commands_printed(cli: Cli) -> None:
    """The new distribution can be installed, tested and run."""
    output = cli("plugins", "new", "pv-mine")

    assert (output.status, output.err) == (0, "")
    assert output.out.startswith(
        "pv-mine/README.md\n"
        "pv-mine/pv_mine.py\n"
        "pv-mine/pyproject.toml\n"
        "pv-mine/test_pv_mine.py\n"
        "pv-mine/tox.ini\n"
        "\n"
        "It works as it is.  Next:\n"
        "  cd pv-mine\n"
        "  python -m pip install -e '.[test]'\n"
        "  python -m pytest\n"
        "  pvbench run norov --sender kvm-pv,pv-mine \\\n"
        "    --guest interleaved:130 --workload broadcast\n"
    )


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        pytest.param(
            {"url": "https://example.org/p", "vcs_info": {"vcs": "git", "commit_id": "12ab"}},
            "pvbench @ git+https://example.org/p@12ab",
            id="version-control",
        ),
        pytest.param({"url": "file:///a%20b"}, "pvbench @ file:///a%20b", id="folder"),
        pytest.param(None, "pvbench", id="index"),
    ],
)
def test_tox_takes_pvbench_from_where_this_one_is_from(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, requirement: str
) -> None:
    """The dependency "pvbench" of the new distribution may be found nowhere else."""
    record = json.dumps(origin) if origin else None
    kind = type(distribution("pvbench"))  # that of a backport, if something imported it
    monkeypatch.setattr(kind, "read_text", lambda self, name: record)
    monkeypatch.setattr("pvbench.cli.common.registry", lambda options: bundled())
    cli("plugins", "new", "pv-mine")
    monkeypatch.chdir("pv-mine")

    configured = config()

    assert configured["testenv:bench-pv-mine"]["deps"] == requirement


def test_tox_of_a_new_plugin_tests_and_compares_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender and kvm-pv run the same case; two revisions of it can be compared."""
    cli("plugins", "new", "pv-mine")
    case = "--guest interleaved:130 --workload broadcast -q"

    monkeypatch.chdir("pv-mine")

    configured = config("-e", "bench-kvm-pv,bench-pv-mine,new,compare")

    sections = {name: configured[name] for name in configured.sections()}
    assert {name: section["commands"] for name, section in sections.items()} == {
        "testenv:bench-kvm-pv": f"pvbench run norov --sender kvm-pv {case}",
        "testenv:bench-pv-mine": f"pvbench run norov --sender pv-mine {case}",
        "testenv:new": f"pvbench run norov --sender pv-mine {case}",
        "testenv:compare": "pvbench compare --by overlay --baseline kvm-pv"
        " --env bench-kvm-pv,bench-pv-mine",
    }
    revision = f"pv-mine @ git+file://{Path.cwd()}@v2"
    assert sections["testenv:new"]["deps"].split("\n")[-1] == revision


def test_the_readme_of_a_new_plugin_has_the_commands_that_are_printed(cli: Cli) -> None:
    """They are for the folder of the new plugin."""
    printed = cli("plugins", "new", "pv-mine").out.replace(" \\\n   ", "")
    commands = re.findall(r"^  (?!cd )(.*)$", printed, re.MULTILINE)
    readme = Path("pv-mine", "README.md").read_text()

    assert len(commands) == 3
    assert [command for command in commands if f"\n$ {command}\n" not in readme] == []


def test_the_name_is_the_sender_s_the_distribution_s_and_the_module_s(cli: Cli) -> None:
    """Nothing of the template's own name is left."""
    cli("plugins", "new", "pv-mine")
    texts = {path.name: path.read_text() for path in Path("pv-mine").iterdir()}
    project = tomllib.loads(texts["pyproject.toml"])

    assert project["project"]["name"] == "pv-mine"
    assert project["project"]["entry-points"]["pvbench"] == {"pv-mine": "pv_mine"}
    assert "class PvMine(" in texts["pv_mine.py"]
    assert "check_sender(PvMine())" in texts["test_pv_mine.py"]
    assert re.search(r"kvm.?pv.?sorted", "".join(texts.values()), re.IGNORECASE) is None


def test_the_directory_can_go_elsewhere(cli: Cli) -> None:
    """Missing parents are made, and blanks are quoted in what is to be typed."""
    output = cli("plugins", "new", "pv-mine", "--into", "my plugins/deep")

    assert output.status == 0
    assert "\n  cd 'my plugins/deep/pv-mine'\n" in output.out
    assert Path("my plugins/deep/pv-mine/pv_mine.py").is_file()


@pytest.mark.parametrize(
    "make", [pytest.param(Path.mkdir, id="directory"), pytest.param(Path.touch, id="file")]
)
def test_existing_files_are_not_changed(cli: Cli, make: Callable[[Path], None]) -> None:
    """The exit status is 2, with one sentence, and nothing is written."""
    make(Path("pv-mine"))

    output = cli("plugins", "new", "pv-mine")

    assert (output.status, output.out) == (2, "")
    assert output.err == "pvbench: pv-mine exists. Give another name, or --into DIR.\n"
    assert list(Path().rglob("*")) == [Path("pv-mine")]


LOWER = "Write lower case with dashes, like kvm-pv-sorted."


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param("Mine", f"a sender cannot be called 'Mine'. {LOWER}", id="capital"),
        pytest.param("my_ipi", f"a sender cannot be called 'my_ipi'. {LOWER}", id="underscore"),
        pytest.param("4-ipi", f"a sender cannot be called '4-ipi'. {LOWER}", id="number-first"),
        pytest.param("a--b", f"a sender cannot be called 'a--b'. {LOWER}", id="two-dashes"),
        pytest.param("../a", f"a sender cannot be called '../a'. {LOWER}", id="path"),
        pytest.param("a\n", f"a sender cannot be called 'a\\n'. {LOWER}", id="line-end"),
        pytest.param("é", f"a sender cannot be called 'é'. {LOWER}", id="letter-of-french"),
        pytest.param(
            "kvm-pv", "there is a sender called 'kvm-pv'. Choose another name.", id="taken"
        ),
        pytest.param(
            "native", "there is a sender called 'native'. Choose another name.", id="native"
        ),
        pytest.param(
            "class",
            "'class' cannot be a module's name: Python has 'class'. Choose another name.",
            id="keyword",
        ),
        pytest.param(
            "json",
            "'json' cannot be a module's name: Python has 'json'. Choose another name.",
            id="module-of-python",
        ),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(cli: Cli, name: str, sentence: str) -> None:
    """The exit status is 2, with one sentence, and nothing is written."""
    output = cli("plugins", "new", name)

    assert (output.status, output.err) == (2, f"pvbench: {sentence}\n")
    assert list(Path().iterdir()) == []


def test_a_file_that_cannot_be_written_is_an_environment_error(cli: Cli) -> None:
    """The exit status is 5: there is a file where a directory should be."""
    Path("occupied").touch()

    output = cli("plugins", "new", "pv-mine", "--into", "occupied")

    assert (output.status, output.err) == (
        5,
        "pvbench: occupied/pv-mine cannot be written: Not a directory\n",
    )
