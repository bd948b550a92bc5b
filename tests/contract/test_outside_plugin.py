"""Plugins of other distributions, built, installed into a fresh environment, and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import attrs
import pyperf
import pytest

from support.helpers import DEADLINE_S

OUTSIDE = Path(__file__).parents[1] / "outside"
SWITCHES = ("PYTHON", "PYTEST", "PVBENCH", "PIP", "VIRTUAL_ENV")

Ran = subprocess.CompletedProcess[str]


@attrs.frozen
class Environment:
    """A virtual environment on top of that of the tests, without a package index."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "venv" / "bin" / "python")

    def run(self, *command: str) -> Ran:
        """*command* in the folder, without what was set for the tests."""
        variables = {k: v for k, v in os.environ.items() if not k.startswith(SWITCHES)}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=variables | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def must(self, *command: str) -> str:
        """Its output; it must succeed."""
        output = self.run(*command)
        assert output.returncode == 0, output.stdout + output.stderr
        return output.stdout

    def pvbench(self, *arguments: str) -> str:
        """The output of a command of ours in that environment."""
        return self.must(self.python, "-m", "pvbench", *arguments)

    def pip(self, command: str, *arguments: str, python: str = sys.executable) -> None:
        """Run pip of the tests for *python*, without an index."""
        pip = (sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check")
        self.must(*pip, "--python", python, command, "--no-deps", "--no-index", *arguments)

    def install(self, project: Path) -> None:
        """Build a wheel of *project* and install it."""
        wheels = self.folder / "wheels" / project.name
        self.pip("wheel", "--no-build-isolation", "--wheel-dir", str(wheels), str(project))
        (wheel,) = wheels.iterdir()
        self.pip("install", str(wheel), python=self.python)

    def install_editable(self, project: Path) -> None:
        """``pip install -e`` in its directory."""
        self.pip("install", "--no-build-isolation", "-e", str(project), python=self.python)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With everything that the tests have, pvbench too, and the plugin from outside."""
    result = Environment(tmp_path_factory.mktemp("outside"))
    result.must(sys.executable, "-m", "venv", "--without-pip", "venv")
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(result.must(result.python, "-c", purelib).strip())
    ours = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    lines = [f"import site; site.addsitedir({path!r})" for path in sorted(ours)]
    (packages / "tests.pth").write_text("\n".join(lines) + "\n")
    project = shutil.copytree(OUTSIDE, result.folder / "project")
    result.install(project)
    return result


def test_a_plugin_from_outside_is_listed_with_distribution_and_version(
    environment: Environment,
) -> None:
    """Its offers are listed beside those of bundled plugins."""
    listed = json.loads(environment.pvbench("plugins", "--json"))
    (plugin,) = [plugin for plugin in listed if plugin["name"] == "outside"]

    assert (plugin["distribution"], plugin["version"]) == ("pvbench-outside", "1.4")
    assert plugin["offers"] == ["workload every", "sender kvm-pv-one-by-one"]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        pytest.param("senders", r"kvm-pv-one-by-one .* overlay$", id="sender"),
        pytest.param("workloads", r"every:STEP +one call to every n-th CPU", id="family"),
        pytest.param("commands", r"apic-ids +print the APIC IDs of a guest", id="command"),
    ],
)
def test_offers_of_a_plugin_from_outside_are_listed(
    environment: Environment, kind: str, row: str
) -> None:
    """They are listed like those of bundled plugins."""
    assert re.search(f"^{row}", environment.pvbench("list", kind), re.MULTILINE)


def test_its_command_is_listed_by_help_and_runs(environment: Environment) -> None:
    """The help has the distribution; the command has its own options and exit status."""
    line = r"^    apic-ids +from pvbench-outside 1\.4$"

    assert re.search(line, environment.pvbench("--help"), re.MULTILINE)
    assert environment.pvbench("apic-ids", "ids:0,16", "--hex") == "0x0 0x10\n"


def test_a_run_with_its_sender_and_workload_is_proved_and_names_the_plugin(
    environment: Environment,
) -> None:
    """A worker runs them; the result has the distribution and its version."""
    out = environment.folder / "run.json"
    arguments = ["--sender", "native,kvm-pv-one-by-one", "--workload", "every:10,broadcast"]

    shown = environment.pvbench("run", "norov", "--fast", "-q", "-o", str(out), *arguments)

    suite = pyperf.BenchmarkSuite.load(str(out)).get_benchmarks()
    facts = [benchmark.get_metadata() for benchmark in suite]
    plugins = {fact["pvbench_sender"]: fact["pvbench_sender_plugin"] for fact in facts}
    assert plugins["kvm-pv-one-by-one"] == "pvbench-outside 1.4"
    assert {fact["pvbench_workload"] for fact in facts} == {"every:10", "broadcast"}
    assert re.search(r"kvm-pv-one-by-one/x2apic-physical +7h 7x +79h 79x", shown)


@pytest.mark.parametrize(
    ("name", "install", "built"),
    [
        pytest.param("kvm-pv-mine", Environment.install, ["-py3-none-any.whl"], id="wheel"),
        pytest.param("kvm-pv-ours", Environment.install_editable, [], id="editable"),
    ],
)
def test_a_new_plugin_works_as_it_is_written(
    environment: Environment,
    name: str,
    install: Callable[[Environment, Path], None],
    built: list[str],
) -> None:
    """`plugins new`, install, its own test, a run: from nothing to a row of the table."""
    result = environment.pvbench("plugins", "new", name, "--into", "new")
    project = environment.folder / "new" / name
    install(environment, project)
    wheels = environment.folder.glob(f"wheels/{name}/*")
    assert [wheel.name.partition("-0.1")[2] for wheel in wheels] == built

    tested = environment.must(
        environment.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(project)
    )
    run = re.search(r"  pvbench (run .*)", result.replace("\\\n", " "))
    assert run is not None
    shown = environment.pvbench(*run[1].split(), "--fast", "-q", "-o", f"{name}.json")

    assert ("1 passed" in tested, f"{name}/x2apic-cluster" in shown) == (True, True)


def test_building_leaves_nothing_in_the_tree(environment: Environment) -> None:
    """The tree has the files of the plugin and no others."""
    remaining = {path.name for path in OUTSIDE.iterdir()} - {"__pycache__"}

    assert remaining == {"pyproject.toml", "pvbench_outside.py", "pvbench_outside_command.py"}
