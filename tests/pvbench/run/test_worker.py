"""A worker: a job comes in, slice results go out, and little is imported."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from pvbench.delivery import Options
from pvbench.run import worker
from support.helpers import DEADLINE_S, bundled
from support.runs import Plant

# CPU 0 calls a function on CPU 1: mfence, then one x2APIC write of vector 0xfb.
UNICAST = {
    "bursts": [{"source": 0, "operation": "smp_call_function_single", "targets": [1]}],
    "programs": [[["Fence"], ["WrMsr", 0x830, 0x1_0000_00FB]]],
    "target_state": "halted",
    "reached": [[1]],
    "lossy": False,
    "mechanism": "icr",
    "algorithm": {"driver": "x2apic-physical", "overlay": "", "shorthands": False},
}


def job(*schedule: tuple[int, int, int], **changes: Any) -> dict[str, Any]:
    """A job for the model: two CPUs, one case."""
    model = bundled().get("delivery", "model")
    return {
        "delivery": "model",
        "delivery_module": "pvbench_deliver_model",
        "settings": model.settings(Options()),
        "guest": {"name": "dense:2", "apic_ids": [0, 1]},
        "cases": [UNICAST],
        "schedule": list(schedule),
        "slice_s": None,
        **changes,
    }


def served(task: dict[str, Any], answers: str = "") -> list[dict[str, Any]]:
    """What a worker reports, in this process."""
    reports = io.StringIO()
    worker.serve(json.loads(json.dumps(task)), io.StringIO(answers), reports)
    return [json.loads(line) for line in reports.getvalue().splitlines()]


def process(code: str, task: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """A worker in a process of its own, started as *code* does."""
    return subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(task) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def test_each_slice_of_the_schedule_is_reported_in_turn() -> None:
    """One line for each slice, so that a crash keeps what came before."""
    reports = served(job((0, 3, 1), (0, 5, 0)))

    assert [report["slice"] for report in reports] == [0, 1]
    assert [report["result"]["loops"] for report in reports] == [3, 5]


def test_warm_up_iterations_are_not_counted() -> None:
    """Three timed iterations of a unicast are three ICR writes, whatever came before."""
    counts = served(job((0, 3, 7)))[0]["result"]["counts"]

    assert (counts["icr_writes"], counts["handlers"]) == (3, [0, 3])


@attrs.define
class Slow:
    """A guest whose slices take time, as its own clock shows; both in seconds."""

    each: float
    own: float = 0.0
    first: float = 0.0
    now: float = 0.0
    runs: list[tuple[int, int]] = attrs.Factory(list)

    def load(self, task: object) -> Slow:
        self.now += self.first
        return self

    def run(self, *, loops: int, warmup: int) -> SimpleNamespace:
        self.now += self.own + self.each * (loops + warmup)
        self.runs.append((loops, warmup))
        return SimpleNamespace(to_json=dict)


@pytest.mark.parametrize(
    ("slow", "expected"),
    [
        pytest.param(Slow(each=20e-6), (1000, 100), id="quick"),
        pytest.param(Slow(each=300e-6), (500, 100), id="halved"),
        pytest.param(Slow(each=4e-3), (62, 62), id="warm-up-too"),
        pytest.param(Slow(each=3.0), (10, 10), id="never-fewer-than-10"),
        pytest.param(Slow(each=20e-6, own=0.2), (1000, 100), id="slices-cost-something"),
        pytest.param(Slow(each=20e-6, first=9.0), (1000, 100), id="loading-takes-long"),
        pytest.param(Slow(each=0.0, own=0.2), (1000, 100), id="too-quick-to-see"),
    ],
)
def test_slices_have_as_many_iterations_as_there_is_time_for(
    monkeypatch: pytest.MonkeyPatch, slow: Slow, expected: tuple[int, int]
) -> None:
    """Found out once for a case, so that its slices are alike."""
    slow = attrs.evolve(slow, runs=[])
    hypervisor = SimpleNamespace(boot=lambda guest, settings: nullcontext(slow))
    monkeypatch.setattr(worker, "_delivery", lambda module, name: hypervisor)
    monkeypatch.setattr("pvbench.run.worker.time.monotonic", lambda: slow.now)
    served(job((0, 1000, 100), (0, 1000, 100), slice_s=0.25))

    assert slow.runs[-2:] == [expected, expected]
    assert sum(loops for loops, _ in slow.runs[:-2]) <= 111


def test_few_iterations_stay_few() -> None:
    """What is asked for is the most there will be."""
    reports = served(job((0, 3, 1), slice_s=1e-9))

    assert [report["result"]["loops"] for report in reports] == [3]


ASKING = """
from contextlib import contextmanager
from types import SimpleNamespace
from pvbench.hookspecs import hookimpl

class Asking:
    name = "asking"
    @contextmanager
    def boot(self, guest, settings):
        yield self
    def load(self, task):
        self.task = task
        return self
    def run(self, *, loops, warmup):
        print("chatter")
        ops = [self.task.program_for(0, (1,)) for _ in range(loops)]
        return SimpleNamespace(to_json=lambda: repr(ops[-1]))

@hookimpl
def pvbench_deliveries():
    return [Asking()]
"""


def test_the_ops_of_fewer_targets_are_asked_for_once(plant: Plant) -> None:
    """The answer is kept: asking takes a trip through two pipes."""
    plant("asking_delivery", ASKING)
    answer = json.dumps({"program": [["Fence"]]}) + "\n"
    task = job((0, 4, 0), delivery="asking", delivery_module="asking_delivery")

    assert served(task, answer) == [
        {"ask": [0, 0, [1]]},
        {"slice": 0, "result": "(Fence(),)"},
    ]


RUN = "from pvbench.run import worker; worker.main()"


def test_what_a_delivery_prints_is_no_report(plant: Plant) -> None:
    """Standard output belongs to the reports; chatter goes to standard error."""
    plant("chatting_delivery", ASKING.replace("self.task.program_for(0, (1,))", "3"))
    task = job((0, 1, 0), delivery="asking", delivery_module="chatting_delivery")
    done = process(RUN, task)

    assert done.stdout == '{"slice": 0, "result": "3"}\n'
    assert done.stderr == "chatter\n"


REFUSING = """
from pvbench import errors
from pvbench.run import worker

def refuse(*_):
    raise errors.UnavailableError("no /dev/kvm", fix="Load the module.")

worker.serve = refuse
worker.main()
"""


def test_an_error_a_person_can_mend_is_reported_in_its_words() -> None:
    """The manager shows it as the reason of the failed boot."""
    done = process(REFUSING, {})

    assert done.stdout == '{"error": "no /dev/kvm. Load the module."}\n'
    assert done.returncode == 0


def test_importing_the_worker_imports_fourteen_modules_of_the_core() -> None:
    """Under emulation each import costs seconds; a new name here needs a reason."""
    done = process(
        "import sys, pvbench.run.worker\n"
        "print(*sorted(m for m in sys.modules if m.startswith('pvbench')))",
        {},
    )

    assert done.stdout.split() == [
        "pvbench",
        "pvbench.delivery",
        "pvbench.errors",
        "pvbench.guest",
        "pvbench.ops",
        "pvbench.plugin",
        "pvbench.plugin.importing",
        "pvbench.run",
        "pvbench.run.worker",
        "pvbench.slice_result",
        "pvbench.validators",
        "pvbench.worker_process",
        "pvbench.x86",
        "pvbench.x86.apic",
    ]


@pytest.mark.parametrize("heavy", ["numpy", "pluggy", "pyperf", "rich", "tabulate"])
def test_importing_the_worker_imports_no_heavy_package(heavy: str) -> None:
    """A delivery brings what it needs; attrs is all that every boot needs."""
    done = process(f"import sys, pvbench.run.worker; print({heavy!r} in sys.modules)", {})

    assert done.stdout == "False\n"


def test_a_boot_of_the_model_loads_no_other_plugin_and_no_pyperf() -> None:
    """The manager builds the pyperf runs; other plugins stay on its side."""
    told = "import sys; print(*sys.modules, file=sys.stderr)"
    loaded = set(process(f"{RUN}\n{told}", job((0, 1, 0))).stderr.split())

    assert "pvbench_deliver_model.engine" in loaded
    assert not loaded & {
        "pyperf",
        "rich",
        "tabulate",
        "pvbench.plugin.registry",
        "pvbench.results",
    }
    plugins = {name.split(".")[0] for name in loaded if name.startswith("pvbench_")}
    assert plugins == {"pvbench_deliver_model"}
