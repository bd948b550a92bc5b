"""Suites as pyperf scripts: pyperf's schedule and ours give the same on an exact clock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyperf
import pytest

from support.helpers import DEADLINE_S
from support.plugin_sources import delivery_around_the_model
from support.runs import AddPlugin, buffered, call

ROOT = Path(__file__).parents[2]
# One case or two of each suite.
QUESTIONS = {
    "norov": ("-k", "*.broadcast", "--vcpus", "4"),
    "fanout": (
        "-k",
        "fanout:4:packed",
    ),
    "pairs": ("-k", "pairs:4:ring"),
    "shootdown": ("-k", "shootdown:2:all"),
    "ids": ("-k", "ids:128-0"),
    "scale": ("-k", "*dense:8"),
    "proposals": ("-k", "*interleaved:8"),
    "smoke": ("-k", "shootdown"),
}
NATIVE = ("--sender", "native", "--driver", "x2apic-cluster")
SINGLE = ("-p", "1", "-n", "1", "-w", "0", "-l", "5")  # as `pvbench run --fast`


def script(suite: str, *options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a suite's file with Python."""
    path = ROOT / "suites" / f"pvbench_suite_{suite}.py"
    return subprocess.run(
        [sys.executable, str(path), *options],
        cwd=folder,
        env=buffered(),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def values(path: Path) -> dict[str, float]:
    """The one value of each benchmark, the headline series only."""
    return {
        benchmark.get_name(): benchmark.median()
        for benchmark in pyperf.BenchmarkSuite.load(str(path))
        if benchmark.get_name().endswith(" wall")
    }


@pytest.mark.parametrize("suite", QUESTIONS)
def test_every_suite_is_a_pyperf_script_with_the_results_of_run(
    suite: str, tmp_path: Path
) -> None:
    """Names and values are the same, so one schedule checks the other."""
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    chosen = (*NATIVE, *QUESTIONS[suite])
    ran = call("run", suite, "--fast", "-q", "-o", str(ours), *chosen)
    output = script(suite, *chosen, *SINGLE, "-q", "-o", str(theirs), folder=tmp_path)

    assert (ran.status, output.returncode, output.stderr) == (0, 0, "")
    assert values(ours) == pytest.approx(values(theirs), rel=1e-12)


def test_a_question_for_every_suite() -> None:
    """A new suite joins the list above, but for those that measure."""
    questions = {
        path.stem.removeprefix("pvbench_suite_") for path in (ROOT / "suites").glob("*.py")
    }

    assert questions - {"live", "pv_on_off", "workloads"} == set(QUESTIONS)


def test_pyperf_s_own_options_work_and_its_files_compare_with_ours(tmp_path: Path) -> None:
    """Processes and values are pyperf's; the case is known by its metadata."""
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    chosen = (*NATIVE, "-k", "normal-ipi")
    call("run", "norov", "-q", "-o", str(ours), *chosen)
    output = script(
        "norov", *chosen, *("-p", "2", "-n", "3", "-o", str(theirs)), folder=tmp_path
    )
    assert output.returncode == 0, output.stderr

    (benchmark,) = pyperf.BenchmarkSuite.load(str(theirs))
    compared = call("compare", str(ours), str(theirs), "--csv")

    assert [len(run.values) for run in benchmark.get_runs()] == [3, 3]
    assert (compared.status, "equal" in compared.out) == (0, True)


SLOW_PV = """
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import KvmOverlay
from pvbench.sequences import words

class Twice(KvmOverlay):
    name = "twice"
    summary = "a window of 64"
    hypercall_abi = "kvm"

    def calls(self, apic_ids, icr, bits):
        for apic_id in apic_ids:
            yield (1, 0, apic_id, icr)

@hookimpl
def pvbench_senders():
    return [Twice()]
"""


def test_plugins_reach_the_processes_pyperf_starts(
    add_plugin: AddPlugin, tmp_path: Path
) -> None:
    """-p is pyperf's, so here it is --plugin; its workers get our options too."""
    add_plugin("twice", SLOW_PV)
    options = ("--plugin", "twice", "--sender", "twice", "-k", "*.broadcast", "--vcpus", "3")

    output = script("norov", *options, *SINGLE, "-q", folder=tmp_path)

    assert (output.returncode, "twice/x2apic-physical" in output.stdout) == (0, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--guest", "x"), "norov: 'x' is not a topology.", id="guest"),
        pytest.param(("--series", "x"), "norov: there is no series called 'x'", id="series"),
        pytest.param(
            ("--costs", "x"), "norov: there is no cost profile called 'x'", id="costs"
        ),
    ],
)
def test_wrong_options_are_one_sentence(
    options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    """Exit status 2 and no traceback, as for `pvbench run`."""
    output = script("norov", *options, folder=tmp_path)

    assert (output.returncode, output.stderr.count("\n")) == (2, 1)
    assert output.stderr.startswith(message)


def test_a_case_without_a_time_is_named(tmp_path: Path) -> None:
    """Patch v3 loses IPIs to APIC IDs from 128 on: the source cannot wait for them."""
    chosen = ("--sender", "kvm-pv128-v3,xapic-flat", "--driver", "x2apic-physical")
    options = ("--guest", "ids:0,1,200", "-k", "*.broadcast or xapic", *SINGLE)
    output = script("norov", *chosen, *options, folder=tmp_path)

    assert (output.returncode, "has no wall as it loses IPIs" in output.stderr) == (0, True)


OWN = """
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.suite import Suite
from pvbench.workload import Workload

pvbench_api = 1

def odd(guest, cpus):
    targets = tuple(range(1, 2 * cpus, 2))
    return (Burst(source=0, operation="smp_call_function_many", targets=targets),)

@hookimpl
def pvbench_workloads():
    return [Workload(name="odd", summary="odd CPUs", bursts=odd, parameters={"cpus": 2})]

@hookimpl
def pvbench_suites():
    chosen = {"workloads": ("odd:3",), "drivers": ("x2apic-cluster",), "guests": ("8",)}
    return [Suite(name="mine", version=1, summary="my own", **chosen)]

if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
"""


def test_a_suite_file_of_the_user_is_a_script_too(tmp_path: Path) -> None:
    """With the workload it brings; pyperf's workers find both."""
    (tmp_path / "mine.py").write_text(OWN)
    output = subprocess.run(
        [sys.executable, "mine.py", "--sender", "native", "-q", "-o", "mine.json"],
        cwd=tmp_path,
        env=buffered(),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert (output.returncode, output.stderr, "mine.odd:3" in output.stdout) == (0, "", True)


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        pytest.param(
            ("--series", "makespan"), 3, "there is nothing to measure", id="no-such-series-here"
        ),
        pytest.param(
            ("-k", "no-such"), 3, "-k 'no-such' matches none of the 100 ", id="no-case"
        ),
        pytest.param(
            ("--plugin", "no:load-norov"), 5, "there is nothing to measure", id="blocked"
        ),
    ],
)
def test_a_selection_without_cases_is_an_error(
    options: tuple[str, ...], status: int, message: str, tmp_path: Path
) -> None:
    """It has a sentence and the exit status of `pvbench run`."""
    output = script("norov", *options, folder=tmp_path)

    assert output.returncode == status
    assert output.stderr.splitlines()[-1].startswith(f"norov: {message}")


def test_counts_and_assumed_parts_are_in_its_files(tmp_path: Path) -> None:
    """They can therefore be compared with those of `pvbench run` without gaps."""
    path = tmp_path / "theirs.json"
    script(
        "norov", *NATIVE, *QUESTIONS["norov"], *SINGLE, "-q", "-o", str(path), folder=tmp_path
    )
    (benchmark,) = pyperf.BenchmarkSuite.load(str(path))
    metadata = benchmark.get_metadata()

    assert (metadata["pvbench_icr_writes"], metadata["pvbench_hypercalls"]) == (1, 0)
    assert 0 < metadata["pvbench_assumed"] < 1


@pytest.mark.parametrize(
    ("suite", "options"),
    [
        pytest.param("live", (), id="of-the-suite"),
        pytest.param("norov", ("--delivery", "live"), id="chosen"),
    ],
)
def test_a_delivery_that_measures_runs_under_pvbench_run_only(
    suite: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    """It takes its turn among timed runs, and tells what was proved; no file is written."""
    path = tmp_path / "theirs.json"
    output = script(suite, *options, "-o", str(path), folder=tmp_path)

    assert (output.returncode, output.stderr.count("\n"), path.exists()) == (2, 1, False)
    assert "Use `pvbench run SUITE --delivery live`" in output.stderr


CHANGED = "result = attrs.evolve(result, {})"


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        pytest.param(
            "distributions={n: result.distributions[n] for n in ('ack', 'wall')}",
            2,
            "modest has no send. It has ack, wall.",
            id="no-time",
        ),
        pytest.param("faults=('it stumbled',)", 6, "failed: it stumbled", id="void"),
    ],
)
def test_an_error_of_a_worker_is_one_sentence(
    add_plugin: AddPlugin, tmp_path: Path, change: str, status: int, sentence: str
) -> None:
    """It has the exit status of `pvbench run`."""
    source = delivery_around_the_model("modest", after_slice=CHANGED.format(change))
    add_plugin("modest", source)
    options = ("--plugin", "modest", "--delivery", "modest", "--series", "send")

    output = script("norov", *options, *QUESTIONS["norov"], *NATIVE, *SINGLE, folder=tmp_path)

    assert (output.returncode, output.stderr.count("\n")) == (status, 1)
    assert sentence in output.stderr


def test_a_bug_of_a_delivery_fails_the_boot(add_plugin: AddPlugin, tmp_path: Path) -> None:
    """As under `pvbench run`: it is in a worker."""
    add_plugin("broken", delivery_around_the_model("broken", after_slice="1 // 0"))
    options = ("--plugin", "broken", "--delivery", "broken")

    output = script("norov", *options, *QUESTIONS["norov"], *NATIVE, *SINGLE, folder=tmp_path)

    assert (output.returncode, output.stderr.count("\n")) == (5, 1)
    assert "the worker fails: ZeroDivisionError" in output.stderr


@pytest.mark.parametrize("verbose", [(), ("-v",)])
def test_a_bug_of_a_plugin_ends_with_70(tmp_path: Path, verbose: tuple[str, ...]) -> None:
    """Python's own status for a traceback is 1, which would be a regression."""
    path = tmp_path / "mine.py"
    path.write_text(OWN.replace("main(*pvbench_suites())", "main(None)"))
    output = subprocess.run(
        [sys.executable, str(path), *verbose],
        cwd=tmp_path,
        env=buffered(),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert (output.returncode, "Traceback" in output.stderr) == (70, bool(verbose))
    assert "pvbench: this is a bug of pvbench or of a plugin" in output.stderr
