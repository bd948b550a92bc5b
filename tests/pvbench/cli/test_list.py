"""`pvbench list`: what the plugins offer."""

from __future__ import annotations

import csv
import io
import json

import pytest

from support.runs import AddPlugin, Cli

BUNDLED = {
    "senders": [
        "hyperv-ipi",
        "kernel",
        "kvm-pv",
        "kvm-pv-4.19",
        "kvm-pv-cluster128",
        "kvm-pv-cluster192",
        "kvm-pv-single",
        "kvm-pv128-v3",
        "shorthand",
        "x2apic-cluster",
        "x2apic-physical",
        "xapic-flat",
        "xapic-physical",
        "xen-evtchn",
    ],
    "workloads": ["broadcast", "broadcast-lock", "dry-run", "normal-ipi", "self-ipi"],
    "deliveries": ["live", "model"],
    "suites": ["live", "norov"],
    "sites": ["dask:ADDRESS", "lab:KERNEL", "local"],
}
WITHOUT_SITES = tuple(
    word for site in ("dask", "lab", "local") for word in ("-p", f"no:site-{site}")
)


@pytest.mark.parametrize("kind", BUNDLED)
def test_everything_bundled_is_listed(cli: Cli, kind: str) -> None:
    """The list is sorted by name; a plugin installed here may add to it."""
    names = [record["name"] for record in json.loads(cli("list", kind, "--json").out)]

    assert names == sorted(names)
    assert [name for name in BUNDLED[kind] if name not in names] == []


@pytest.mark.parametrize("kind", BUNDLED)
def test_the_table_has_the_same_rows(cli: Cli, kind: str) -> None:
    """CSV, plain and JSON tell the same."""
    table = list(csv.DictReader(io.StringIO(cli("list", kind, "--format", "csv").out)))

    assert table == json.loads(cli("list", kind, "--json").out)
    assert {bool(row["summary"]) for row in table} == {True}


def test_senders_are_listed_with_kind_and_overrides(cli: Cli) -> None:
    """An overlay is a partial table over a driver."""
    senders = {s["name"]: s for s in json.loads(cli("list", "senders", "--json").out)}

    assert (senders["xapic-flat"]["kind"], senders["xapic-flat"]["overrides"]) == (
        "driver",
        "all",
    )
    assert (senders["kvm-pv"]["kind"], senders["kvm-pv"]["overrides"]) == (
        "overlay",
        "send_IPI_mask send_IPI_mask_allbutself",
    )


def test_deliveries_are_listed_without_probing(cli: Cli) -> None:
    """Whether it can be used is asked at a site, by `pvbench doctor`."""
    (model,) = (
        d for d in json.loads(cli("list", "deliveries", "--json").out) if d["name"] == "model"
    )

    assert list(model) == ["name", "summary", "cost profiles"]


def test_a_delivery_that_raises_is_not_listed(cli: Cli, add_plugin: AddPlugin) -> None:
    """The others are listed, and the exit status is 0."""
    add_plugin(
        "hostile_plugin",
        """
import pvbench_deliver_model
from pvbench.hookspecs import hookimpl


class Hostile:
    name, summary = "hostile", "for tests"

    def __getattr__(self, attribute):
        (model,) = pvbench_deliver_model.pvbench_deliveries()
        return getattr(model, attribute)

    def cost_profiles(self):
        raise SystemExit(0)


@hookimpl
def pvbench_deliveries():
    return [Hostile()]
""",
    )
    output = cli("list", "deliveries", "--csv", "-p", "hostile_plugin")

    assert output.status == 0
    assert "\nmodel," in output.out
    assert "hostile" not in output.out
    assert output.err == "pvbench: delivery hostile raises SystemExit: 0; it is not listed\n"


def test_offers_of_blocked_plugins_are_not_listed(cli: Cli) -> None:
    """As if it were not installed."""
    listed, others = (
        {
            sender["name"]
            for sender in json.loads(cli("list", "senders", "--json", *options).out)
        }
        for options in ((), ("-p", "no:send-kvm-pv"))
    )

    assert listed - others == {"kvm-pv"}


def test_an_empty_list_is_not_an_error(cli: Cli) -> None:
    """A sentence takes the place of the table."""
    output = cli("list", "sites", *WITHOUT_SITES, "--format", "csv")

    assert (output.status, output.out) == (0, "name\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(("sites", *WITHOUT_SITES), "No plugin brings a site.", id="sites"),
        pytest.param(
            ("commands", "-p", "no:command-lab"),
            "No plugin brings a command.  `pvbench --help` lists the commands of "
            "pvbench itself.",
            id="commands",
        ),
    ],
)
def test_nothing_to_list_is_one_sentence_for_people(
    cli: Cli, arguments: tuple[str, ...], sentence: str
) -> None:
    """An empty table does not say whether something is wrong; JSON has an empty list."""
    assert cli("list", *arguments).out.split() == sentence.split()
    assert json.loads(cli("list", *arguments, "--json").out) == []
