"""Real guests from the command line: the table, the file, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyperf
import pytest

from pvbench.host import facts as host_facts
from pvbench.results import files as result_files
from pvbench.results.rows import Row, rows
from pvbench_deliver_kvm.probe.cache import probes
from support.runs import Cli, Output, call, journal_of

pytestmark = pytest.mark.usefixtures("needs_kvm")

USABLE = sorted(os.sched_getaffinity(0))
UNICAST = ("-k", "normal-ipi", "--sender", "x2apic-physical", "--vcpus", "2")


def measured(path: Path) -> list[Row]:
    """The rows of a result file."""
    return rows(result_files.read(str(path)))


def facts(path: Path, name: str, guest: str = "") -> set[Any]:
    """The values of the fact *name* in all rows, or in those of one guest."""
    return {row.fact(name) for row in measured(path) if guest in ("", row.fact("guest"))}


def of_boots(path: Path) -> list[dict[str, Any]]:
    """The facts of each boot of each series; boots may differ."""
    suite = pyperf.BenchmarkSuite.load(str(path))
    return [run.get_metadata() for benchmark in suite for run in benchmark.get_runs()]


def outcomes(path: Path) -> dict[str, tuple[str, str]]:
    """(outcome, reason) of each stack, refused or run."""
    by_stack = {}
    for entry in journal_of(path):
        cases = {entry["case"]: entry} if "case" in entry else entry.get("cases", {})
        for name, case in cases.items():
            by_stack[name.split()[1]] = (case["outcome"], case["reason"])
    return by_stack


def test_a_run_of_real_guests_prints_measured_times(kvm_run: tuple[Path, Output]) -> None:
    """A table for each guest, by the guest's own clock; none of it is modelled."""
    _, output = kvm_run
    heading = "wall time of one burst, measured by kvm at local, clock tsc (median of 2 boots)"

    assert (output.status, output.out.count(heading)) == (0, 2)
    assert "modelled" not in output.out
    assert output.out.count("Source: a guest of its own on KVM (") == 2
    software = host_facts.facts()["virtualization"].startswith("software")
    assert ("times say nothing about other hosts" in output.out) == software


def test_its_file_is_pyperf_s(kvm_run: tuple[Path, Output]) -> None:
    """A benchmark for each series of each case, a run for each boot."""
    suite = pyperf.BenchmarkSuite.load(str(kvm_run[0]))
    names = {name.rpartition(" ")[0] for name in suite.get_benchmark_names()}

    assert names == {
        f"norov.normal-ipi {driver} dense:{vcpus} halted linux-4.19 kvm@local measured"
        for driver in ("x2apic-physical", "x2apic-cluster")
        for vcpus in (2, 8)
    }
    assert {benchmark.get_nrun() for benchmark in suite} == {2}
    values = [value for benchmark in suite for value in benchmark.get_values()]
    assert min(values) > 0


def test_its_series_are_those_of_a_burst_that_waits(kvm_run: tuple[Path, Output]) -> None:
    """`deliver` only where the TSCs are known to agree; `irqoff` where they were off."""
    series = facts(kvm_run[0], "series")
    agree = facts(kvm_run[0], "tsc_offsets") == {"equal"}

    assert {"send", "ack", "wall"} <= series <= {"send", "irqoff", "deliver", "ack", "wall"}
    assert ("deliver" in series) == agree


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("execution", {"algorithm"}, id="execution"),
        pytest.param("clock", {"tsc"}, id="clock"),
        pytest.param("delivery", {"kvm"}, id="delivery"),
        pytest.param("costs", {"measured"}, id="costs"),
        pytest.param("cpu_list", {"any"}, id="cpu-list"),
        pytest.param("icr_writes", {1.0}, id="icr-writes"),
        pytest.param("hypercalls", {0.0}, id="hypercalls"),
        pytest.param("handlers", {1.0}, id="handlers"),
        pytest.param("stand_in", {None}, id="no-stand-in"),
    ],
)
def test_its_file_stores_how_the_ops_were_executed(
    kvm_run: tuple[Path, Output], name: str, expected: set[Any]
) -> None:
    """One for all cases of this run."""
    assert facts(kvm_run[0], name) == expected


def test_its_file_stores_the_frequency_of_the_clock(kvm_run: tuple[Path, Output]) -> None:
    """Times are ticks over this."""
    boots = of_boots(kvm_run[0])

    assert min(boot["pvbench_tsc_khz"] for boot in boots) > 100_000
    assert min(boot["pvbench_null_send_ticks"] for boot in boots) > 0
    assert min(boot["pvbench_null_irqoff_ticks"] for boot in boots) > 0


def test_its_file_names_the_counters_of_kvm(kvm_run: tuple[Path, Output]) -> None:
    """The counters this KVM has, and the source of the count of hypercalls."""
    (counters,) = facts(kvm_run[0], "kvm_counters")
    counted = "hypercalls" in counters.split(",")

    assert facts(kvm_run[0], "hypercall_proof") == {
        "KVM's counter" if counted else "the guest's own count"
    }
    assert {"pvbench_exits" in boot for boot in of_boots(kvm_run[0])} == {
        "exits" in counters.split(",")
    }


@pytest.mark.parametrize("vcpus", [2, 8])
def test_an_overcommitted_guest_is_reported(kvm_run: tuple[Path, Output], vcpus: int) -> None:
    """Its file says so, and a note below its table only."""
    path, output = kvm_run
    crowded = vcpus > len(USABLE)
    of_guest = output.out[output.out.index(f"norov on dense:{vcpus}") :].split("\n\nnorov on")[
        0
    ]

    assert facts(path, "overcommitted", f"dense:{vcpus}") == {"yes" if crowded else "no"}
    assert ("more vCPUs than this machine has CPUs" in of_guest) == crowded


def test_the_state_of_the_targets_is_proved_in_each_boot(kvm_run: tuple[Path, Output]) -> None:
    """On a busy machine it may differ from the requested one, which is then reported."""
    path, output = kvm_run
    proved = {state for row in measured(path) for state in row.proved}

    assert {len(row.proved) for row in measured(path)} == {2}
    assert proved <= {"halted", "preempted"}
    assert ("not always proved halted: also preempted" in output.out) == ("preempted" in proved)


def test_its_file_holds_the_facts_of_the_host(kvm_run: tuple[Path, Output]) -> None:
    """All of them, KVM's parameters too, as they are."""
    for name, fact in host_facts.facts().items():
        assert facts(kvm_run[0], f"host_{name}") == {fact}


def test_show_prints_the_table_of_the_run(kvm_run: tuple[Path, Output]) -> None:
    """The file is enough."""
    path, output = kvm_run

    assert call("show", str(path)).out == output.out


def test_unsupported_senders_have_a_reason(kvm: Cli) -> None:
    """The reason is a probe of this host; the outcome is neither void nor failed."""
    senders = ("x2apic-physical", "kvm-pv/x2apic-physical", "hyperv-ipi/x2apic-physical")
    options = ("--sender", ",".join((*senders, "xen-evtchn/x2apic-physical")), "--vcpus", "3")
    output = kvm("-k", "*.broadcast", *options, "-o", "a.json")
    by_stack, works = outcomes(Path("a.json")), probes()

    assert (output.status, by_stack[senders[0]]) == (0, ("ok", ""))
    assert by_stack["xen-evtchn/x2apic-physical"] == (
        "unsupported",
        "KVM does not implement hypercall ABI xen",
    )
    for stack, mechanism in zip(
        senders[1:], ("kvm-hypercall", "hyperv-hypercall"), strict=True
    ):
        why = f"{mechanism} does not work on this host: {works[mechanism]}"
        assert by_stack[stack] == (("unsupported", why) if works[mechanism] else ("ok", ""))
        assert (why in output.out) == bool(works[mechanism])


def test_replayed_ops_are_reported(kvm: Cli) -> None:
    """The file says so, and a note below the table."""
    output = kvm(*UNICAST, "--execution", "ops", "-o", "a.json")

    assert (output.status, facts(Path("a.json"), "execution")) == (0, {"ops"})
    assert "Note: the ops of x2apic-physical were computed beforehand" in output.out


def test_both_ways_of_execution_can_be_compared(kvm: Cli, cli: Cli) -> None:
    """One boot each gives no verdict; the counts are the same."""
    for name, options in (
        ("algorithm", ()),
        (
            "ops",
            (
                "--execution",
                "ops",
            ),
        ),
    ):
        assert kvm(*UNICAST, *options, "-o", f"{name}.json").status == 0
    output = cli("compare", "algorithm.json", "ops.json", "--by", "execution", "--json")
    (pair,) = json.loads(output.out)["pairs"]

    assert (output.status, pair["baseline"], pair["side"]) == (0, "algorithm", "ops")
    assert (pair["verdict"], pair["counts"]["after"]["icr_writes"]) == ("inconclusive", 1)


def test_a_run_keeps_to_the_cpus_it_was_given(kvm: Cli) -> None:
    """Two vCPUs on one CPU are more than there are."""
    host_cpu = str(USABLE[-1])
    output = kvm(*UNICAST, "--cpu-list", host_cpu, "-o", "a.json")

    assert (output.status, facts(Path("a.json"), "cpu_list")) == (0, {host_cpu})
    assert facts(Path("a.json"), "overcommitted") == {"yes"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            ("--cpu-list", f"{USABLE[0]},999999"),
            "--cpu-list names CPU 999999, which may not be used here. "
            f"Usable: {','.join(map(str, USABLE))}.",
            id="cpu",
        ),
        pytest.param(
            ("--costs", "skylake-2018"),
            "kvm measures, it has no cost profiles. Drop --costs.",
            id="costs",
        ),
    ],
)
def test_an_unsupported_option_gives_one_sentence(
    kvm: Cli, options: tuple[str, ...], message: str
) -> None:
    """The exit status is 2, and there is no file."""
    output = kvm(*UNICAST, *options, "-o", "a.json")

    assert (output.status, output.out, output.err) == (2, "", f"pvbench: {message}\n")
    assert os.listdir() == []
