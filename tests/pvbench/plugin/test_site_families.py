"""Families of sites: a plugin offers sites that differ in an address."""

from __future__ import annotations

import json

import pytest

from pvbench.errors import PluginError, UsageError
from pvbench.plugin.loader import load
from pvbench.plugin.registry import Registry
from support.runs import AddPlugin, Cli

FAMILY = """
from contextlib import contextmanager
import pvbench_site_local
from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl


class Place(pvbench_site_local.Local):
    def __init__(self, address):
        self.name = f"place:{address}"


class Places:
    name, form, summary = "place", "place:CITY", "for tests"

    def why_unavailable(self):
        return None

    def at(self, address):
        if address == "nowhere":
            raise UsageError("there is no place called nowhere")
        if address == "broken":
            raise ZeroDivisionError("no map")
        return object() if address == "nothing" else Place(address)


@hookimpl
def pvbench_sites():
    return [Places()]
"""
RUN = ("run", "norov", "-q", "-k", "dry-run", "--sender", "x2apic-physical", "-o", "a.json")


@pytest.fixture
def registry(add_plugin: AddPlugin, only_bundled: None) -> Registry:
    """The bundled plugins, and a family of sites."""
    return load([add_plugin("places", FAMILY)])


@pytest.mark.parametrize("address", ["paris", "./a/b", "x,clock=tsc", "tcp://h:1"])
def test_a_site_of_a_family_gets_the_text_after_the_first_colon(
    registry: Registry, address: str
) -> None:
    """An address may have colons of its own."""
    assert registry.site(f"place:{address}").name == f"place:{address}"


@pytest.mark.parametrize("spec", ["place", "place:"])
def test_a_family_without_an_address_is_no_site(registry: Registry, spec: str) -> None:
    """The message has the form."""
    with pytest.raises(UsageError, match=r"site 'place' needs an address. Write place:CITY"):
        registry.site(spec)


@pytest.mark.parametrize("spec", ["local:", "local:here"])
def test_a_site_that_is_no_family_takes_no_address(registry: Registry, spec: str) -> None:
    """It does not take an empty one either."""
    with pytest.raises(UsageError, match=r"site 'local' takes no address. Write local"):
        registry.site(spec)


def test_an_unknown_family_is_named_without_the_address(registry: Registry) -> None:
    """The nearest name is suggested."""
    with pytest.raises(
        UsageError, match=r"there is no site called 'plac'. Did you mean 'place'"
    ):
        registry.site("plac:paris")


def test_a_family_refuses_an_address_with_a_sentence(registry: Registry) -> None:
    """It is the plugin's own."""
    with pytest.raises(UsageError, match="there is no place called nowhere"):
        registry.site("place:nowhere")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("broken", r"at\(\) of site place raises ZeroDivisionError: no map"),
        ("nothing", r"at\(\) of site place gives no site: it lacks name, summary, "),
    ],
)
def test_a_broken_family_is_named(registry: Registry, address: str, sentence: str) -> None:
    """Code of a plugin may raise or return anything."""
    with pytest.raises(PluginError, match=sentence):
        registry.site(f"place:{address}")


def test_a_family_is_listed_by_its_form(cli: Cli, add_plugin: AddPlugin) -> None:
    """A site that takes no address is listed by its name."""
    listed = json.loads(cli("list", "sites", "--json", "-p", add_plugin("places", FAMILY)).out)

    assert {"name": "place:CITY", "summary": "for tests", "usable": "yes"} in listed
    assert "local" in [site["name"] for site in listed]


def test_a_run_at_a_site_of_a_family_stores_its_full_name(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """Two sites of one family are two sites in the results."""
    options = ("-p", add_plugin("places", FAMILY), "--site", "place:paris", "--json")
    output = cli(*RUN, *options)

    assert output.status == 0, output.err
    assert {series["site"] for series in json.loads(output.out)["series"]} == {"place:paris"}
