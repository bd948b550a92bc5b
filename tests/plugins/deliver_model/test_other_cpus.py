"""Guests with offline CPUs, other logical IDs and other VP indexes, on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.runs import Cli

RUN = ("run", "norov", "--fast", "-q", "--workload", "broadcast", "--json", "-o", "a.json")


def facts_of(cli: Cli, guest: str, stack: str) -> dict[str, Any]:
    """The facts of a broadcast in a guest on the model."""
    output = cli(*RUN, "--guest", guest, "--sender", stack)
    assert output.status == 0, output.err
    facts: dict[str, Any] = json.loads(output.out)["series"][0]
    return facts


def test_a_broadcast_reaches_the_cpus_that_are_online(cli: Cli) -> None:
    """The guest has eight vCPUs, and five targets are online."""
    facts = facts_of(cli, "dense:8+offline:3,7", "x2apic-physical")

    counted = {name: facts[name] for name in ("vcpus", "targets", "handlers", "icr_writes")}
    assert counted == {"vcpus": 8, "targets": 5, "handlers": 5, "icr_writes": 5}
    assert (facts["guest"], facts["offline_cpus"]) == ("dense:8+offline:3,7", "3,7")


@pytest.mark.parametrize(
    ("guest", "stack", "name", "expected"),
    [
        pytest.param(
            "sparse:32:2+logical:0-31", "x2apic-cluster", "logical_ids", "0-31", id="logical"
        ),
        pytest.param(
            "dense:4+vp:2,3,0,1", "hyperv-ipi/x2apic-physical", "vp_indexes", "2-3,0-1", id="vp"
        ),
    ],
)
def test_results_have_the_numbers_of_their_guest(
    cli: Cli, guest: str, stack: str, name: str, expected: str
) -> None:
    """The proof of mechanism holds, and another guest is not compared with this one."""
    facts = facts_of(cli, guest, stack)

    assert (facts[name], facts["handlers"]) == (expected, facts["targets"])


def test_offline_cpus_are_not_modelled_where_vcpus_share_host_cpus(cli: Cli) -> None:
    """CPUs that halt for ever take no turns, which the model does not know."""
    output = cli(*RUN, "--guest", "dense:8+offline:3", "--host-cpus", "4")

    assert output.status == 3
    assert "it does not model offline CPUs where vCPUs share host CPUs" in output.err
