"""`pvbench doctor`: what this machine is, and what can run here."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.host import facts as host_facts
from support.require import ONE_BY_ONE
from support.runs import AddPlugin, Cli

pytestmark = pytest.mark.xdist_group(ONE_BY_ONE)  # it tries what works on real KVM

Advised = Callable[[list[str]], None]
NO_KVM = ("-p", "no:deliver-kvm")  # it reads facts of the host
ADVICE = ["Plug it in.", "Close the door, then wait."]


@pytest.fixture
def advised(monkeypatch: pytest.MonkeyPatch) -> Advised:
    """Choose what this host is advised."""
    return lambda lines: monkeypatch.setattr(host_facts, "advice", lambda: lines)


def test_doctor_lists_machine_software_and_deliveries(cli: Cli) -> None:
    """A bug report needs these facts."""
    facts = json.loads(cli("doctor", "--json").out)

    software = ["pvbench", "pyperf", "pluggy", "attrs", "numpy", "python"]
    assert [name for name in facts if name in software] == software
    assert next(iter(facts)).startswith("delivery ")
    assert facts["cpus"] == f"{len(host_facts.usable_cpus())} usable of {os.cpu_count()}"
    assert facts["delivery model"] == "usable"
    assert facts["plugins"].endswith(" loaded")


def test_the_table_lists_the_same_facts(cli: Cli) -> None:
    """Each fact has a row."""
    facts = json.loads(cli("doctor", "--json").out)
    del facts["advice"]
    blocks = cli("-v", "doctor").out.split("\n\n")
    rows = [line for table in (blocks[0], blocks[-1]) for line in table.splitlines()[2:]]

    assert sorted(row.split("  ")[0] for row in rows) == sorted(facts)


def test_doctor_lists_the_facts_of_the_host_last(
    cli: Cli, advised: Advised, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are many: parameters of KVM, vulnerabilities."""
    advised(ADVICE)
    monkeypatch.setattr(host_facts, "facts", lambda: {"kvm_amd.avic": "N", "smt": "off"})
    facts = json.loads(cli("doctor", *NO_KVM, "--json").out)
    rows = [line.split() for line in cli("doctor", *NO_KVM).out.split("\n\n")[-1].splitlines()]

    assert list(facts)[-3:] == ["cpus", "kvm_amd.avic", "smt"]
    assert rows[-2:] == [["kvm_amd.avic", "N"], ["smt", "off"]]


def test_parameters_of_kvm_that_ipis_do_not_depend_on_are_in_json_only(
    cli: Cli, advised: Advised, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are thirty of them, and ``-v`` prints them too."""
    advised([])
    own = {"kvm.halt_poll_ns": "0", "kvm.tdp_mmu": "Y", "kvm_amd.avic": "N", "kvm_amd.sev": "N"}
    monkeypatch.setattr(host_facts, "facts", lambda: own | {"kvm_modules": "kvm"})
    printed, all_printed = cli("doctor", *NO_KVM).out, cli("-v", "doctor", *NO_KVM).out

    assert own.items() <= json.loads(cli("doctor", *NO_KVM, "--json").out).items()
    assert [name in printed for name in own] == [True, False, True, False]
    assert "pvbench -v doctor has 2 more parameters of KVM:" in printed
    assert all(name in all_printed for name in own)
    assert "more parameter" not in all_printed


def test_no_fact_of_the_host_hides_another(
    cli: Cli, advised: Advised, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All stand in one object."""
    own = host_facts.facts().keys()
    advised(ADVICE)
    monkeypatch.setattr(host_facts, "facts", dict)
    others = json.loads(cli("doctor", *NO_KVM, "--json").out).keys()

    assert own & others == set()


@pytest.mark.parametrize("form", ["plain", "markdown"])
def test_advice_is_printed_between_the_deliveries_and_the_facts(
    cli: Cli, advised: Advised, form: str
) -> None:
    """A list of sentences, in plain text and in Markdown."""
    advised(ADVICE)
    first, *advice, last = cli("-v", "doctor", "--format", form).out.split("\n\n")

    assert ("delivery model" in first, "plugins" in last) == (True, True)
    assert advice == [
        "For steadier timing:",
        f"- {ADVICE[0]}\n- {ADVICE[1]}",
        "Software and host:",
    ]


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        pytest.param("plain", [], id="nothing-to-advise"),
        pytest.param("csv", ADVICE, id="csv-is-a-table-and-nothing-else"),
    ],
)
def test_without_advice_only_the_tables_are_printed(
    cli: Cli, advised: Advised, form: str, lines: list[str]
) -> None:
    """No title without a list, no sentence in CSV."""
    advised(lines)
    out = cli("doctor", "--format", form).out

    assert "plugins" in out
    assert [text for text in ("steadier", *ADVICE) if text in out] == []
    assert out.count("\n\n") == (2 if form == "plain" else 0)


@pytest.mark.parametrize("lines", [ADVICE, []], ids=["some", "none"])
def test_json_has_advice_as_a_list(cli: Cli, advised: Advised, lines: list[str]) -> None:
    """Always there, so that scripts need not ask."""
    advised(lines)

    assert json.loads(cli("doctor", "--json").out)["advice"] == lines


@pytest.mark.parametrize("arguments", [["--help"], ["doctor", "--help"]])
def test_help_does_not_look_at_the_host(arguments: list[str]) -> None:
    """Only `execute` imports it."""
    code = (
        "import atexit, sys; from pvbench.cli.main import main; "
        "atexit.register(lambda: print('pvbench.cli.doctor' in sys.modules, "
        "'pvbench.host.facts' in sys.modules)); main(sys.argv[1:])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )

    assert output.stdout.splitlines()[-1] == "True False"


def test_doctor_names_the_folder_of_results(cli: Cli) -> None:
    """It is below the current directory."""
    assert json.loads(cli("doctor", "--json").out)["results go to"].startswith("./results/")


def test_doctor_warns_if_results_cannot_be_written(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Better before the run than after it."""
    monkeypatch.setattr("pvbench.cli.doctor.os.access", lambda path, mode: False)
    folder = json.loads(cli("doctor", "--json").out)["results go to"]

    assert folder.endswith("but . cannot be written")


def test_a_broken_plugin_is_the_environment_s_fault(cli: Cli, add_plugin: AddPlugin) -> None:
    """The exit status is 5, and the plugin is named."""
    add_plugin("broken_plugin", "import no_such_module")
    output = cli("doctor", "-p", "broken_plugin", "--json")

    assert output.status == 5
    assert json.loads(output.out)["plugins"] == "broken: broken_plugin"


def test_doctor_never_names_the_host(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output is made to be pasted."""
    monkeypatch.setattr(socket, "gethostname", lambda: "zanzibar")
    monkeypatch.setattr(platform, "node", lambda: "zanzibar")

    assert "zanzibar" not in cli("doctor").out


TRYING = """
from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl
from pvbench.delivery import Description
from pvbench_deliver_model import CLOCK, Model

class Trying(Model):
    name = "trying"

    def describe(self, options):
        {answer}

@hookimpl
def pvbench_deliveries():
    return [Trying()]
"""


def test_doctor_lists_the_notes_and_probes_of_a_delivery(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """Below the delivery's own row, in the order of the probes."""
    probes = {"x2apic-self": "", "kvm-hypercall": "it does not return"}
    description = f"clock=CLOCK, probes={probes!r}, notes=('Source: here.', 'TSCs differ.')"
    add_plugin("trying", TRYING.format(answer=f"return Description({description})"))
    facts = json.loads(cli("doctor", "-p", "trying", "--json").out)
    rows = {name: value for name, value in facts.items() if "trying" in name}

    assert list(rows.items()) == [
        ("delivery trying", "usable"),
        ("trying: notes", "Source: here. TSCs differ."),
        ("trying: x2apic-self", "works"),
        ("trying: kvm-hypercall", "no: it does not return"),
    ]


def test_a_delivery_that_refuses_every_option_cannot_be_used(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """Its row has a sentence; the others are unchanged."""
    add_plugin("trying", TRYING.format(answer="raise UsageError('it is shut')"))
    facts = json.loads(cli("doctor", "-p", "trying", "--json").out)

    assert facts["delivery trying"] == "no: it is shut"
    assert facts["delivery model"] == "usable"
