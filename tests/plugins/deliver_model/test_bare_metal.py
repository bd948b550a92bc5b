"""Bare metal, and other cost profiles without exits, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.runs import Cli, journal_of

NO_HYPERVISOR = "bare metal has no hypervisor to call"
RUN = (
    "run",
    "norov",
    "--fast",
    "-q",
    "--vcpus",
    "4",
    "--costs",
    "bare-metal",
    "-o",
    "a.json",
)


def outcomes() -> dict[tuple[str, str], set[str]]:
    """Senders of the cases without samples, by outcome and reason."""
    table: dict[tuple[str, str], set[str]] = {}
    for entry in journal_of(Path("a.json")):
        if "case" in entry:
            stack = entry["case"].split()[1]
            key = (entry["outcome"], entry["reason"])
            table.setdefault(key, set()).add(stack.rpartition("/")[0])
    return table


def test_on_bare_metal_hypercall_senders_are_unsupported(cli: Cli) -> None:
    """The reason is printed and stored; the run succeeds because other senders ran."""
    output = cli(*RUN, "-k", "*.broadcast", "--json")
    series = json.loads(output.out)["series"]
    calling = {"hyperv-ipi", "kvm-pv", "kvm-pv-4.19", "kvm-pv-cluster128", "kvm-pv-cluster192"}

    assert (output.status, {("unsupported", NO_HYPERVISOR)}) == (0, set(outcomes()))
    assert outcomes()["unsupported", NO_HYPERVISOR] == calling | {
        *("kvm-pv-single", "kvm-pv128-v3", "xen-evtchn")
    }
    assert {row["sender"] for row in series} == {"native", "shorthand"}
    assert {row["exits"] for row in series} == {0.0}


def test_a_bare_metal_run_of_only_hypercalls_measures_nothing(cli: Cli) -> None:
    """A run without any result is not a success."""
    output = cli(*RUN, "--sender", "kvm-pv")

    assert (output.status == 0, Path("a.json").exists()) == (False, False)
    assert NO_HYPERVISOR in output.err


@pytest.mark.parametrize(
    ("host_cpus", "ran"),
    [pytest.param("4", True, id="enough"), pytest.param("3", False, id="few")],
)
def test_bare_metal_has_no_vcpus_that_share_host_cpus(
    cli: Cli, host_cpus: str, ran: bool
) -> None:
    """No hypervisor can schedule them."""
    output = cli(*RUN, "--sender", "native", "--host-cpus", host_cpus)

    assert (ran, not ran) == (
        Path("a.json").exists(),
        "bare metal has no vCPUs that could share host CPUs" in output.err,
    )


def test_bare_metal_has_no_wake_ups_by_kvm(cli: Cli) -> None:
    """So no note says that targets halt for longer than KVM polls."""
    output = cli(*RUN, "-k", "*.broadcast", "--sender", "native", "--json")
    rows = json.loads(output.out)["series"]

    assert {row.get("wakeups_blocked") for row in rows} == {None}
    assert "KVM polls" not in output.out


def test_results_have_the_exits_of_a_case_under_avic(cli: Cli) -> None:
    """Warmed up, idle targets are caught by polling: no exit; a hypercall always is one."""
    options = ("-k", "*.broadcast", "--sender", "native,kvm-pv", "--costs", "epyc-genoa-x2avic")
    output = cli(
        "run", "norov", "--fast", "-q", "--vcpus", "4", "--json", "-o", "a.json", *options
    )
    rows = json.loads(output.out)["series"]

    assert {(row["sender"], row["exits"]) for row in rows} == {("native", 0.0), ("kvm-pv", 1.0)}
