"""`pvbench run`: what is chosen, what is printed, what is left behind."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from pvbench.results.rows import Row, rows
from support.runs import HOST_FOLDER, Cli, journal_of

QUICK = ("run", "norov", "--fast", "-q", "-k", "*.broadcast", "--vcpus", "4")
NATIVE = (*QUICK, "--sender", "native")
FLAT_OF_80 = ("run", "norov", "--fast", "-q", "--driver", "xapic-flat", "--vcpus", "80")
NO_FLAT = "flat logical mode can address only 8 CPUs"


def measured(path: str) -> list[Row]:
    """The rows of a result file."""
    return rows(result_files.read(path))


def planned(cli: Cli, *options: str) -> list[str]:
    """Names of the cases of a plan."""
    output = cli("run", "norov", "--dry-run", "--json", *options)
    return [case["case"] for case in json.loads(output.out)["cases"]]


def test_a_run_prints_its_table_and_the_result_file(cli: Cli) -> None:
    """Results go to standard output, progress and hints to standard error."""
    output = cli(*NATIVE, "-o", "a.json", "--format", "csv")
    table = list(csv.DictReader(io.StringIO(output.out)))

    assert (output.status, output.err) == (0, "results: a.json\n")
    assert [row["stack"] for row in table] == ["x2apic-physical", "x2apic-cluster"]


def test_a_run_prints_the_same_table_as_show(cli: Cli) -> None:
    """The table is made from the file."""
    printed = cli(*NATIVE, "-o", "a.json").out

    assert cli("show", "a.json").out == printed


def test_json_is_one_document(cli: Cli) -> None:
    """It has every series of two stacks."""
    assert len(json.loads(cli(*NATIVE, "-o", "a.json", "--json").out)["series"]) == 10


def test_progress_is_a_line_for_each_boot(cli: Cli) -> None:
    """The lines are on standard error; ``-q`` leaves them out."""
    options = [option for option in NATIVE if option != "-q"]
    output = cli(*options, "-o", "a.json", "--boots", "2")

    assert output.err.splitlines()[:2] == ["boot 1/2: dense:4", "boot 2/2: dense:4"]


def test_without_a_name_results_go_to_the_machine_s_folder(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is ./results/MACHINE/TIME-SUITE-LABEL.json, with its journal."""
    cli(*NATIVE, "--label", "one")
    names = sorted(os.listdir(HOST_FOLDER))

    assert [name[16:] for name in names] == ["-norov-one.json", "-norov-one.jsonl"]


def test_a_plan_runs_nothing(cli: Cli) -> None:
    """``--dry-run`` prints cases and boots, and touches no disk."""
    output = cli(*NATIVE, "-o", "a.json", "--dry-run")

    assert output.status == 0
    assert "- stack x2apic-physical, x2apic-cluster\n\nplanned, 2 cases\n" in output.out
    assert output.out.endswith("\n\n2 cases, 1 boot\n")
    assert os.listdir() == []


def test_a_plan_lists_refused_cases_with_reasons(cli: Cli) -> None:
    """Exit status 3 if nothing will."""
    output = cli(*FLAT_OF_80, "--dry-run")
    outcome, counts = output.out.split("\n\n")[-2:]

    assert output.status == 3
    assert outcome == f"unsupported, 50 cases: {NO_FLAT}"
    assert counts == "50 cases, 0 boots\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            ("-k", "self-ipi and x2apic-c and kvm-pv-4.19"),
            ["self-ipi kvm-pv-4.19/x2apic-cluster"],
            id="words",
        ),
        pytest.param(
            ("--sender", "kvm-pv/x2apic-cluster", "--workload", "broadcast"),
            ["broadcast kvm-pv/x2apic-cluster"],
            id="one-stack",
        ),
        pytest.param(
            ("--sender", "xapic-flat", "--workload", "dry-run", "--vcpus", "4"),
            ["dry-run xapic-flat"],
            id="another-driver",
        ),
        pytest.param(
            ("--sender", "native", "--driver", "x2apic-cluster", "-k", "normal"),
            ["normal-ipi x2apic-cluster"],
            id="native-over-one-driver",
        ),
    ],
)
def test_the_plan_has_the_selected_cases(
    cli: Cli, options: tuple[str, ...], expected: list[str]
) -> None:
    """A case has its workload and its stack."""
    names = planned(cli, *options)

    assert expected == [" ".join(n.removeprefix("norov.").split()[:2]) for n in names]


def test_the_name_of_a_case_has_its_unusual_conditions(cli: Cli) -> None:
    """Names are unique, and hold everything a person may search for."""
    options = ("--host-cpus", "2", "--bits", "32", "--targets", "running", "--linux", "6.12")
    (name,) = planned(cli, "--sender", "x2apic-cluster", "-k", "self", *options)

    assert name == (
        "norov.self-ipi x2apic-cluster dense:80/32-bit/on2 running linux-6.12 "
        "model@local skylake-2018"
    )


@pytest.mark.parametrize(
    ("options", "refused", "reason"),
    [
        pytest.param(
            ("--driver", "xapic-flat,x2apic-physical", "--vcpus", "80"),
            "xapic-flat",
            NO_FLAT,
            id="flat-mode-of-80",
        ),
        pytest.param(
            ("--guest", "ids:0,1048576"),
            "x2apic-cluster",
            "APIC IDs of 2^20 and above have no unique logical x2APIC ID",
            id="cluster-mode-beyond-2-to-the-20",
        ),
    ],
)
def test_an_unsupported_case_is_in_the_journal_and_under_the_table(
    cli: Cli, options: tuple[str, ...], refused: str, reason: str
) -> None:
    """It has its reason; the others run, and the exit status is 0."""
    choice = ("--sender", "native", "-k", "*.broadcast", *options)
    output = cli("run", "norov", "--fast", "-q", "-o", "a.json", *choice)
    (case,) = [entry for entry in journal_of(Path("a.json")) if "case" in entry]

    assert output.status == 0
    assert (case["outcome"], case["reason"]) == ("unsupported", reason)
    assert case["case"].startswith(f"norov.broadcast {refused} ")
    assert output.out.splitlines()[-1] == f"unsupported: {case['case']}: {reason}"
    assert {row.fact("driver") for row in measured("a.json")} == {"x2apic-physical"}


def test_a_run_that_measured_nothing_prints_the_reasons(cli: Cli) -> None:
    """A skip always has a reason: exit status 3 alone would leave a riddle."""
    output = cli(*FLAT_OF_80, "-o", "a.json")

    assert (output.status, Path("a.json").exists()) == (3, False)
    assert NO_FLAT in output.out + output.err


def test_the_name_of_the_result_file_is_printable(cli: Cli) -> None:
    """A file name may have the escapes of a terminal."""
    output = cli(*QUICK, "-o", "\x1b[31m.json")

    assert (output.status, output.err) == (0, "results: \\x1b[31m.json\n")


def test_an_empty_selection_leaves_no_file(cli: Cli) -> None:
    """Exit status 3, with what matches nothing."""
    output = cli("run", "norov", "-k", "no-such-case", "-o", "a.json")

    assert output.status == 3
    assert output.err == (
        "pvbench: -k 'no-such-case' matches none of the 100 cases of norov. "
        "`pvbench run SUITE --dry-run` lists them.\n"
    )
    assert os.listdir() == []


def test_an_older_journal_of_the_same_name_is_replaced(cli: Cli) -> None:
    """A run that measured nothing leaves its journal; the next one starts anew."""
    cli(*FLAT_OF_80, "-o", "a.json")
    output = cli(*NATIVE, "-o", "a.json")

    assert (output.status, NO_FLAT in output.out) == (0, False)
    assert len([entry for entry in journal_of(Path("a.json")) if "plan" in entry]) == 1


@pytest.mark.parametrize(
    "twice",
    [
        pytest.param(("--guest", "4", "--guest", "dense:4"), id="guest"),
        pytest.param(("--vcpus", "4,4"), id="vcpus"),
        pytest.param(("--workload", "broadcast,broadcast"), id="workload"),
        pytest.param(("--sender", "native,native"), id="sender"),
        pytest.param(("--targets", "halted,halted"), id="targets"),
    ],
)
def test_naming_a_thing_twice_makes_no_replicate(cli: Cli, twice: tuple[str, ...]) -> None:
    """The boot is the unit of replication: one boot, one run, whatever was typed."""
    choice = ("--driver", "x2apic-physical", "--sender", "native", *twice)
    cli("run", "norov", "--fast", "-q", "-k", "*.broadcast", "-o", "a.json", *choice)

    assert {len(row.boots_s) for row in measured("a.json")} == {1}


@pytest.mark.parametrize("full_from", [1, 2, 3])
def test_a_full_disk_ends_the_run_and_keeps_its_files(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, full_from: int
) -> None:
    """At the plan, the first result or its journal, the exit status is 5; no file is empty."""
    monkeypatch.setattr(os, "fsync", filling_up(full_from))
    output = cli(*NATIVE, "-o", "a.json")

    assert (output.status, output.err.count("\n")) == (5, 1)
    assert "cannot be written: No space left on device" in output.err
    assert [name for name in os.listdir() if not os.stat(name).st_size] == []
    assert [name for name in os.listdir() if name.endswith(".tmp")] == []


def filling_up(full_from: int) -> Callable[[int], None]:
    """An `os.fsync` of a disk that is full from the n-th call on."""
    calls: list[int] = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) >= full_from:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync
