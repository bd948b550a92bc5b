"""A worker: a job comes in, slice results go out, and little is imported."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from pvbench.delivery import Algorithm, Options, Task
from pvbench.errors import ProtocolError
from pvbench.ops import Burst, Fence, WrMsr
from pvbench.protocol import (
    Answer,
    Ask,
    ErrorReport,
    Execute,
    Job,
    OutcomeReport,
    SliceReport,
    Turn,
    decode,
    encode,
)
from pvbench.run import worker
from pvbench.slice_result import SliceResult
from pvbench.trials import Ending, Outcome, Programs
from pvbench.worker_process import due
from support.helpers import DEADLINE_S, bundled, guest_of
from support.runs import AddPlugin, slice_result_of

# CPU 0 calls a function on CPU 1: mfence, then one x2APIC write of vector 0xfb.
UNICAST = Task(
    bursts=(Burst(source=0, operation="smp_call_function_single", targets=(1,)),),
    programs=((Fence(), WrMsr(0x830, 0x1_0000_00FB)),),
    reached=((1,),),
    program_for=lambda burst, cpus: (),
    algorithm=Algorithm(driver="x2apic-physical"),
)


def job(*schedule: tuple[int, int, int], **changes: Any) -> Job:
    """A job for the model: two CPUs, one case."""
    model = bundled().get("delivery", "model")
    fields: dict[str, Any] = {
        "delivery": "model",
        "delivery_module": "pvbench_deliver_model",
        "worker_data": model.describe(Options()).worker_data,
        "guest": guest_of((0, 1)),
        "tasks": (UNICAST,),
        "schedule": tuple(Turn(*turn) for turn in schedule),
        "slice_s": None,
        "deadline_s": float(DEADLINE_S),
        "start_delay_us": 0,
    }
    return Job(**fields | changes)


def served(task: Job, answers: str = "") -> list[Any]:
    """The reports of a worker that runs in this process."""
    reports, sent = io.StringIO(), decode(encode(task))
    assert isinstance(sent, Job)
    worker.serve(sent, io.StringIO(answers), reports)
    return [decode(line) for line in reports.getvalue().splitlines()]


def process(code: str, task: Job | None) -> subprocess.CompletedProcess[str]:
    """A worker in a process of its own, started as *code* does."""
    return subprocess.run(
        [sys.executable, "-c", code],
        input=encode(task) if task else "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def test_each_slice_of_the_schedule_is_reported_in_turn() -> None:
    """One line for each slice, so that a crash keeps what came before."""
    reports = served(job((0, 3, 1), (0, 5, 0)))

    assert [report.number for report in reports] == [0, 1]
    assert [report.result.loops for report in reports] == [3, 5]


@pytest.mark.parametrize(("delay_us", "waits"), [(0, []), (274, [274e-6])])
def test_the_worker_waits_before_it_boots_the_guest(
    monkeypatch: pytest.MonkeyPatch, delay_us: int, waits: list[float]
) -> None:
    """As long as the job says; without a delay it does not sleep at all."""
    slept: list[float] = []
    monkeypatch.setattr(worker, "time", SimpleNamespace(sleep=slept.append))
    served(job((0, 3, 1), start_delay_us=delay_us))

    assert slept == waits


def test_warm_up_iterations_are_not_counted() -> None:
    """Three timed iterations of a unicast are three ICR writes, whatever came before."""
    counts = served(job((0, 3, 7)))[0].result.counts

    assert (counts.icr_writes, counts.handlers) == (3, (0, 3))


@attrs.define
class Slow:
    """A guest whose slices take time, as its own clock shows; both in seconds."""

    iteration_s: float
    own: float = 0.0
    first: float = 0.0
    now: float = 0.0
    runs: list[tuple[int, int]] = attrs.Factory(list)

    def load(self, task: object) -> Slow:
        self.now += self.first
        return self

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        self.now += self.own + self.iteration_s * (loops + warmup)
        self.runs.append((loops, warmup))
        return slice_result_of(loops)


@pytest.mark.parametrize(
    ("slow", "expected"),
    [
        pytest.param(Slow(iteration_s=20e-6), (1000, 100), id="quick"),
        pytest.param(Slow(iteration_s=300e-6), (500, 100), id="halved"),
        pytest.param(Slow(iteration_s=4e-3), (62, 62), id="warm-up-too"),
        pytest.param(Slow(iteration_s=3.0), (10, 10), id="never-fewer-than-10"),
        pytest.param(Slow(iteration_s=20e-6, own=0.2), (1000, 100), id="slices-cost-something"),
        pytest.param(Slow(iteration_s=20e-6, first=9.0), (1000, 100), id="loading-takes-long"),
        pytest.param(Slow(iteration_s=0.0, own=0.2), (1000, 100), id="too-quick-to-see"),
    ],
)
def test_slices_have_as_many_iterations_as_there_is_time_for(
    monkeypatch: pytest.MonkeyPatch, slow: Slow, expected: tuple[int, int]
) -> None:
    """Found out once for a case, so that its slices are alike."""
    slow = attrs.evolve(slow, runs=[])
    hypervisor = SimpleNamespace(boot=lambda guest, worker_data: nullcontext(slow))
    monkeypatch.setattr(worker, "delivery_of", lambda module, name: hypervisor)
    monkeypatch.setattr("pvbench.run.worker.time.monotonic", lambda: slow.now)
    served(job((0, 1000, 100), (0, 1000, 100), slice_s=0.25))

    assert slow.runs[-2:] == [expected, expected]
    assert sum(loops for loops, _ in slow.runs[:-2]) <= 111


def test_few_iterations_stay_few() -> None:
    """The requested number of iterations is the maximum."""
    reports = served(job((0, 3, 1), slice_s=1e-9))

    assert [report.result.loops for report in reports] == [3]


ASKING = """
from contextlib import contextmanager
from pvbench.hookspecs import hookimpl
from pvbench.slice_result import Counts, SliceResult

class Asking:
    name = "asking"
    @contextmanager
    def boot(self, guest, worker_data):
        yield self
    def load(self, task):
        self.task = task
        return self
    def run(self, *, loops, warmup):
        print("chatter")
        ops = [self.task.program_for(0, (1,)) for _ in range(loops)]
        counts = Counts(
            icr_writes=None, hypercalls=None, returned=None,
            handlers=(), coalesced=None, functions=(),
        )
        return SliceResult(
            loops=loops, distributions={}, counts=counts,
            facts={"ops": repr(ops[-1])},
        )

@hookimpl
def pvbench_deliveries():
    return [Asking()]
"""


def test_the_ops_of_fewer_targets_are_asked_for_once(add_plugin: AddPlugin) -> None:
    """The answer is kept: asking takes a trip through two pipes."""
    add_plugin("asking_delivery", ASKING)
    answer = encode(Answer((Fence(),)))
    task = job((0, 4, 0), delivery="asking", delivery_module="asking_delivery")

    requests, report = served(task, answer)
    assert requests == Ask(0, 0, (1,))
    assert report.result.facts == {"ops": "(Fence(),)"}


@pytest.mark.parametrize("answer", ["", "chatter\n", encode(Ask(0, 0, ()))])
def test_a_worker_without_an_answer_gives_up(add_plugin: AddPlugin, answer: str) -> None:
    """The manager is gone, or is none."""
    add_plugin("asking_delivery", ASKING)
    task = job((0, 4, 0), delivery="asking", delivery_module="asking_delivery")

    with pytest.raises(ProtocolError, match="the manager did not answer with ops"):
        served(task, answer)


RUN = "from pvbench.run import worker; worker.main()"


def test_output_of_a_delivery_is_not_a_report(add_plugin: AddPlugin) -> None:
    """Standard output belongs to the reports; other output goes to standard error."""
    add_plugin("chatting_delivery", ASKING.replace("self.task.program_for(0, (1,))", "3"))
    task = job((0, 1, 0), delivery="asking", delivery_module="chatting_delivery")
    output = process(RUN, task)

    assert isinstance(decode(output.stdout), SliceReport)
    assert output.stdout.count("\n") == 1
    assert output.stderr == "chatter\n"


REFUSING = """
from pvbench import errors
from pvbench.run import worker

def refuse(*_):
    raise errors.UnavailableError("no /dev/kvm", fix="Load the module.")

worker.serve = refuse
worker.main()
"""


def test_an_error_that_the_user_can_fix_is_reported_in_its_words() -> None:
    """The manager shows it as the reason of the failed boot."""
    output = process(REFUSING, job())

    assert decode(output.stdout) == ErrorReport("no /dev/kvm. Load the module.")
    assert output.returncode == 0


def test_a_worker_without_a_job_reports_an_error() -> None:
    """Somebody started it by hand, or with another version."""
    output = process(RUN, None)

    assert decode(output.stdout) == ErrorReport("a worker starts with a job")


def test_the_worker_imports_at_most_fifteen_modules_of_the_core() -> None:
    """Under emulation each import costs seconds; packages are empty and do not count."""
    output = process(
        "import sys, pvbench.run.worker\n"
        "core = {n: m for n, m in sys.modules.items() if n.startswith('pvbench')}\n"
        "print(*(n for n, m in core.items() if not hasattr(m, '__path__')))",
        None,
    )

    modules = output.stdout.split()

    assert "pvbench.run.worker" in modules
    assert len(modules) <= 15


@pytest.mark.parametrize(
    "heavy", ["numpy", "scipy", "pluggy", "pyperf", "rich", "tabulate", "importlib.metadata"]
)
def test_importing_the_worker_imports_no_heavy_package(heavy: str) -> None:
    """A delivery brings what it needs; attrs is all that every boot needs."""
    output = process(f"import sys, pvbench.run.worker; print({heavy!r} in sys.modules)", None)

    assert output.stdout == "False\n"


def test_a_boot_of_the_model_loads_no_other_plugin_and_no_pyperf() -> None:
    """The manager builds the pyperf runs; other plugins stay on its side."""
    code_of_list = "import sys; print(*sys.modules, file=sys.stderr)"
    loaded = set(process(f"{RUN}\n{code_of_list}", job((0, 1, 0))).stderr.split())

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


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"delivery": "lost"}, "StopIteration", id="no-such-delivery"),
        pytest.param({"delivery_module": "lost"}, "ModuleNotFoundError", id="no-such-module"),
        pytest.param({"worker_data": b"\xf7"}, "UnicodeDecodeError", id="data-of-another"),
    ],
)
def test_a_job_that_cannot_be_done_is_reported_in_one_sentence(
    change: dict[str, Any], why: str
) -> None:
    """A job comes from anywhere: no traceback, and status 0 after the report."""
    output = process("from pvbench.run import worker; worker.main()", job((0, 1, 0), **change))
    report = decode(output.stdout)

    assert isinstance(report, ErrorReport)
    assert report.error.startswith(f"the worker fails: {why}")
    assert (output.stderr, output.returncode) == ("", 0)


def executed(trials: tuple[Programs, ...], module: str, name: str = "fake") -> list[Any]:
    """The reports of a worker that executes *trials* in this process."""
    request = Execute(
        delivery=name,
        delivery_module=module,
        worker_data=b"",
        guest=guest_of((0, 1)),
        target_state="halted",
        trials=trials,
        deadline_s=float(DEADLINE_S),
    )
    reports = io.StringIO()
    worker.answer(io.StringIO(encode(request)), reports, lambda work: work)
    return [decode(line) for line in reports.getvalue().splitlines()]


FRAGILE = """
from contextlib import contextmanager
from types import SimpleNamespace

from pvbench.errors import UnavailableError
from pvbench.hookspecs import hookimpl
from pvbench.trials import Ending, Outcome

pvbench_api = 1
boots = 0


class Fragile:
    name = "fragile"
    summary = why_unavailable = why_unsupported = cost_profiles = describe = None

    @contextmanager
    def boot(self, guest, worker_data):
        global boots
        boots += 1

        def execute(programs, target_state):
            if len(programs[0][1]) > 1:
                raise UnavailableError("the guest is gone")
            return Outcome({}, (Ending(returned=boots),))

        yield SimpleNamespace(execute=execute)


class Plain(Fragile):
    name = "plain"

    @contextmanager
    def boot(self, guest, worker_data):
        yield SimpleNamespace()


@hookimpl
def pvbench_deliveries():
    return [Fragile(), Plain()]
"""


def test_a_worker_executes_the_rest_in_another_guest_if_one_is_lost(
    add_plugin: AddPlugin,
) -> None:
    """The trial that lost the guest says why."""
    module = "fragile"
    add_plugin(module, FRAGILE)
    good, bad = ((0, (Fence(),)),), ((0, (Fence(), Fence())),)

    reports = executed((good, bad, good, bad), module, "fragile")

    assert reports == [
        OutcomeReport(0, Outcome({}, (Ending(1),))),
        OutcomeReport(1, Outcome(lost="the guest is gone")),
        OutcomeReport(2, Outcome({}, (Ending(2),))),
        OutcomeReport(3, Outcome(lost="the guest is gone")),
    ]


def test_a_delivery_without_raw_programs_says_so(add_plugin: AddPlugin) -> None:
    """The method is optional."""
    module = "fragile"
    add_plugin(module, FRAGILE)

    assert executed((((0, ()),),), module, "plain") == [
        ErrorReport("plain cannot execute raw programs", 5)
    ]


def test_outcomes_are_due_in_the_order_of_their_trials() -> None:
    """Each trial has one, and no slice may come instead."""
    trials = (((0, ()),), ((0, ()),))
    request = Execute("x", "x", b"", guest_of((0,)), "halted", trials, 1.0)
    first = OutcomeReport(0, Outcome())

    assert due(request, first, 0) == first
    with pytest.raises(ProtocolError, match="trial 0 is not the next one"):
        due(request, first, 1)
    with pytest.raises(ProtocolError, match="OutcomeReport out of turn"):
        due(request, first, 2)
    with pytest.raises(ProtocolError, match="Answer out of turn"):
        due(request, Answer(()), 0)
