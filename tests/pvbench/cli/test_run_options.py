"""Options of a user reach the delivery: CPUs, execution, cost profile and its name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.helpers import DEADLINE_S
from support.runs import AddPlugin, Cli, buffered

# A delivery that answers with what it was asked, and suites that are about it or not.
ASKED = """
from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite
from pvbench_deliver_model import Model

class Asked(Model):
    name = "asked"

    def describe(self, options):
        raise UsageError(f"asked for {options.cpus} {options.execution} {options.costs}")

CHOSEN = {
    "workloads": ("normal-ipi",),
    "drivers": ("x2apic-physical",),
    "overlays": (),
    "guests": ("dense:2",),
}

@hookimpl
def pvbench_deliveries():
    return [Asked()]

@hookimpl
def pvbench_suites():
    return [
        Suite(name="plain", version=1, summary="-", **CHOSEN),
        Suite(name="about-it", version=1, summary="-", delivery="asked", **CHOSEN),
        Suite(name="about-none", version=1, summary="-", delivery="telepathy", **CHOSEN),
    ]

if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(pvbench_suites()[0])
"""
NOTHING = "pvbench: asked for () algorithm None\n"


@pytest.fixture
def asking_plugin(add_plugin: AddPlugin) -> tuple[str, str]:
    """Options that load the delivery."""
    return "-p", add_plugin("asked", ASKED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param((), NOTHING, id="nothing"),
        pytest.param(("--cpu-list", "1,3-4"), "asked for (1, 3, 4) algorithm None", id="cpus"),
        pytest.param(
            (
                "--execution",
                "ops",
            ),
            "asked for () ops None",
            id="ops",
        ),
        pytest.param(("--costs", "p"), "asked for () algorithm p", id="costs"),
        pytest.param(
            ("--execution", "ops", "--costs=p", "--cpu-list=0"),
            "asked for (0,) ops p",
            id="all",
        ),
    ],
)
def test_the_options_of_the_user_reach_the_delivery(
    cli: Cli, asking_plugin: tuple[str, str], options: tuple[str, ...], message: str
) -> None:
    """Its own refusal is the whole answer: one sentence, exit status 2."""
    output = cli("run", "plain", *asking_plugin, "--delivery", "asked", *options)

    assert (output.status, output.out, output.err.count("\n")) == (2, "", 1)
    assert message in output.err


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param('cpu-list = "2-3"', "asked for (2, 3) algorithm", id="cpus"),
        pytest.param('cpu-list = [1, "3-4"]', "asked for (1, 3, 4) algorithm", id="list"),
        pytest.param("cpu-list = 1", "asked for (1,) algorithm", id="one-cpu"),
        pytest.param('execution = "ops"', "asked for () ops", id="ops"),
        pytest.param('execution = "algorithm"', "asked for () algorithm", id="algorithm"),
        pytest.param('delivery = "model"', "asked for () algorithm", id="delivery-is-given"),
    ],
)
def test_the_table_of_defaults_can_ask_it_too(
    cli: Cli, asking_plugin: tuple[str, str], table: str, message: str
) -> None:
    """``[tool.pvbench]`` acts as if its values were typed."""
    Path("pyproject.toml").write_text(f"[tool.pvbench]\n{table}\n")

    assert message in cli("run", "plain", *asking_plugin, "--delivery", "asked").err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--cpu-list", "0"), "Drop --cpu-list.", id="cpus"),
        pytest.param(
            (
                "--execution",
                "ops",
            ),
            "Drop --execution ops.",
            id="ops",
        ),
    ],
)
def test_a_model_refuses_options_of_real_hosts(
    cli: Cli, options: tuple[str, ...], message: str
) -> None:
    """Instead of running as if nothing had been asked."""
    output = cli("run", "norov", "--dry-run", *options)

    assert (output.status, output.out, output.err.count("\n")) == (2, "", 1)
    assert output.err.endswith(f"{message}\n")


@pytest.mark.parametrize("text", ["", "x", "0,0", "1-0"])
def test_a_wrong_list_of_cpus_is_an_error_of_usage(cli: Cli, text: str) -> None:
    """It names the option; nothing is run."""
    output = cli("run", "norov", f"--cpu-list={text}")

    assert (output.status, output.out) == (2, "")
    assert output.err.startswith(f"pvbench: --cpu-list: {text!r} ")


def test_a_suite_as_a_script_asks_the_same(tmp_path: Path) -> None:
    """pyperf's options stand beside those of pvbench."""
    (tmp_path / "asked.py").write_text(f"pvbench_api = 1\n{ASKED}")
    options = ("--delivery", "asked", "--execution", "ops", "--cpu-list", "0-1", "-o", "a.json")
    output = subprocess.run(
        [sys.executable, "asked.py", *options],
        cwd=tmp_path,
        env=buffered(),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert (output.returncode, output.stdout) == (2, "")
    assert output.stderr == "plain: asked for (0, 1) ops None\n"


def deliveries(cli: Cli, *arguments: str) -> set[str]:
    """Of the cases of a plan."""
    output = cli("run", *arguments, "--dry-run", "--json")
    assert output.status == 0, output.err
    names = [case["case"] for case in json.loads(output.out)["cases"]]
    return {name.split("@")[0].split()[-1] for name in names}


def test_a_suite_is_run_by_the_delivery_it_is_about(
    cli: Cli, asking_plugin: tuple[str, str]
) -> None:
    """Where the user names none."""
    assert cli("run", "about-it", *asking_plugin).err == NOTHING


def test_the_user_s_delivery_comes_before_the_suite_s(
    cli: Cli, asking_plugin: tuple[str, str]
) -> None:
    """A suite's own delivery is left for the model, and the model for another."""
    assert deliveries(cli, "about-it", *asking_plugin, "--delivery", "model") == {"model"}
    assert cli("run", "plain", *asking_plugin, "--delivery", "asked").err == NOTHING


def test_the_default_delivery_of_a_suite_is_the_model(
    cli: Cli, asking_plugin: tuple[str, str]
) -> None:
    """Every suite has this default."""
    assert deliveries(cli, "plain", *asking_plugin) == {"model"}


def test_a_suite_for_a_missing_delivery_is_refused(
    cli: Cli, asking_plugin: tuple[str, str]
) -> None:
    """The message says how to list the deliveries."""
    output = cli("run", "about-none", *asking_plugin)

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert "there is no delivery called 'telepathy'" in output.err
    assert "`pvbench list deliveries`" in output.err
