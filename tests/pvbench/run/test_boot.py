"""One boot: any report of a worker is checked."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.delivery import Clock
from pvbench.histogram import Histogram
from pvbench.ops import Fence, WrMsr, to_rows
from pvbench.protocol import Answer, SliceReport, Turn, decode, encode, result_data
from pvbench.run.boot import BootResult, Launch, job_of, run_boot
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot, Effort
from pvbench.slice_result import Distribution
from support.helpers import DEADLINE_S, guest_of
from support.mutations import mutated
from support.runs import bursts_of, prepared_of, slice_result_of
from support.sessions import EXACT, NEAR_EXACT, NOISY, CommandSession

PREAMBLE = """\
import json, sys
from pvbench import protocol
job = protocol.decode(sys.stdin.readline())
slices = 0
def tell(value):
    print(protocol.framed(json.dumps(value)), end="", flush=True)
def tell_slice(result):
    global slices
    tell({"kind": "slice", "number": slices, "result": result})
    slices += 1
"""


def booted(code: str, slices: int = 1, timeout_s: float = DEADLINE_S) -> BootResult:
    """A boot of one broadcast to three CPUs, 10 loops a slice, in a worker of *code*."""
    launch = launch_of(code, slices, timeout_s)
    return run_boot(Boot(0, guest_of(range(4)), (prepared_of(),), (0,)), launch)


def launch_of(code: str, slices: int = 1, timeout_s: float = DEADLINE_S) -> Launch:
    """The launch settings of a run with such workers."""
    return Launch(
        session=CommandSession((sys.executable, "-c", PREAMBLE + code), timeout_s),
        delivery="test-delivery",
        delivery_module="test-delivery",
        clock=EXACT,
        worker_data=b"\0 data",
        effort=Effort(boots=1, slices=slices, loops=10, warmup=5),
        timeout_s=timeout_s,
    )


def telling(**changes: Any) -> str:
    """Code of a worker that reports `slice_result_of`, with *changes*."""
    plain = result_data(slice_result_of())
    counts = plain["counts"]
    for name in counts.keys() & changes.keys():
        counts[name] = changes.pop(name)
    return f"tell_slice(json.loads({json.dumps(plain | changes)!r}))"


def asking(task: int, burst: int, cpu: int) -> str:
    """Code of a worker that asks for the ops of a burst to one CPU."""
    question = {"kind": "ask", "task": task, "burst": burst, "cpus": [cpu]}
    return f"tell({question}); sys.stdin.readline()"


def test_ticks_become_seconds() -> None:
    """2,000 model ticks a burst are 2 ns: a tick of the model is a picosecond."""
    report = booted(telling())

    assert report.outcome == report.cases[0].outcome == Outcome("ok")
    assert report.cases[0].values == {"wall": [pytest.approx(2e-9)]}


def timed(ticks: list[int]) -> dict[str, Any]:
    """A distribution of the series `wall` as a worker reports it."""
    return {"distributions": {"wall": attrs.asdict(Distribution.of(ticks))}}


def test_each_slice_gives_the_median_of_its_bursts() -> None:
    """The boot has the mean, the p99 and the extremes of all bursts."""
    reports = [telling(**timed(ticks)) for ticks in ([1_000, 2_000, 9_000], [3_000, 3_500])]
    (case,) = booted("\n".join(reports), slices=2).cases

    assert case.values == {"wall": [pytest.approx(2e-9), pytest.approx(3.25e-9)]}
    assert case.spread["wall"] == pytest.approx(
        {
            "mean_s": 3.625e-9,
            "p99_s": 6.25e-9,
            "minimum_s": 1e-9,
            "maximum_s": 9e-9,
            "histogram_ticks": Histogram.of([1_000, 2_000, 3_000, 3_500, 9_000]).encoded(),
            "ticks_per_second": 10**12,
        }
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param(("halted", "halted", "halted"), "halted", id="as-asked-for"),
        pytest.param(("preempted", "halted", "halted"), "preempted", id="not-at-first"),
        pytest.param(("halted", "preempted", "halted"), "preempted", id="not-in-between"),
        pytest.param(("halted", "halted", "running"), "running", id="not-at-last"),
    ],
)
def test_targets_have_a_state_only_if_all_slices_prove_it(
    states: tuple[str, ...], expected: str
) -> None:
    """Every slice has a value."""
    report = booted("\n".join(telling(target_state=state) for state in states), slices=3)
    (case,) = report.cases

    assert case.result is not None
    assert (case.result.target_state, len(case.values["wall"])) == (expected, 3)


def test_a_case_without_a_time_has_failed() -> None:
    """It has nothing that a result file could store, and a resumed run does not repeat it."""
    report = booted(telling(distributions={}))

    assert report.outcome == Outcome("ok")
    assert [case.outcome for case in report.cases] == [
        Outcome("failed", "its slices have no time, which the delivery should measure")
    ]


SHORT = attrs.evolve(Distribution.of([0, 1]), minimum=0, median=1e-4)  # 1e-16 s


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param(
            {"facts": {"huge": 1e300}}, "pvbench_huge is not a finite number", id="huge-fact"
        ),
        pytest.param({"facts": {"vcpus": "x"}}, "vcpus is not a number", id="text-for-number"),
        pytest.param({"target_state": ""}, "target_state_proved is not a", id="empty-state"),
        pytest.param(
            {"distributions": {"wall": attrs.asdict(SHORT)}},
            "there is a time outside",
            id="time",
        ),
    ],
)
def test_what_a_result_file_cannot_hold_makes_a_case_fail(
    changes: dict[str, Any], why: str
) -> None:
    """The file could be written and never be read."""
    (case,) = booted(telling(**changes)).cases

    assert (case.outcome.kind, why in case.outcome.reason) == ("failed", True)
    assert case.values == {}


def test_a_series_that_no_report_knows_is_refused() -> None:
    """An empty name would even end the run."""
    times = {"distributions": {"": attrs.asdict(Distribution.of([2_000]))}}
    report = booted(telling(**times))

    assert report.outcome.kind == "failed"
    assert "SliceResult.distributions has '', not one of send" in report.outcome.reason


@given(lines=st.lists(mutated(SliceReport(0, slice_result_of())), min_size=1, max_size=2))
def test_garbage_gives_neither_a_traceback_nor_an_invalid_time(lines: list[str]) -> None:
    """Each boot ends with an outcome, and its values are times."""

    def reports(*_: object, **__: object) -> Iterator[Any]:
        yield from map(decode, lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CommandSession, "boot", reports)
        report = booted("")
    (case,) = report.cases

    assert report.outcome.kind in ("ok", "failed")
    assert case.outcome.kind in ("ok", "void", "failed")
    assert all(0 < value < 1e20 for values in case.values.values() for value in values)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_every_slice_is_proved(wrong: int) -> None:
    """A slice that differs makes the case void, wherever it stands between honest ones."""
    slices = [telling(icr_writes=29 if number == wrong else 30) for number in range(3)]
    report = booted("\n".join(slices), slices=3)
    (case,) = report.cases

    assert case.values == {}
    assert case.outcome == Outcome(
        "void", "proof of mechanism failed: ICR writes 29 instead of 30"
    )


def test_the_counts_of_a_case_are_those_of_its_last_slice() -> None:
    """Earlier slices may have warmed up what the host keeps of a guest."""
    report = booted("\n".join(telling(exits=exits) for exits in (31, 30)), slices=2)
    (case,) = report.cases

    assert case.result is not None
    assert case.result.counts.exits == 30


@pytest.mark.parametrize("fact", ["", " ", "a\nb", [1], None, True, float("inf")])
def test_a_boot_fails_if_a_fact_cannot_be_stored(fact: Any) -> None:
    """The delivery is at fault, and there is no traceback."""
    report = booted(telling(facts={"colour": fact}))

    assert report.outcome.kind == "failed"
    assert "cannot be read" in report.outcome.reason
    assert "colour" in report.outcome.reason or fact == float("inf")


def test_a_worker_gets_the_guest_the_ops_and_the_schedule() -> None:
    """A worker needs no plugin but its delivery."""
    report = booted("sys.exit(protocol.encode(job).strip())")
    _, _, message = report.outcome.reason.partition("status 1: ")
    boot = Boot(0, guest_of(range(4)), (prepared_of(),), (0,))
    expected = job_of(boot, launch_of(""))

    assert message == encode(expected).strip()
    assert expected.delivery == expected.delivery_module == "test-delivery"
    assert expected.worker_data == b"\0 data"
    assert expected.guest.apic_ids == (0, 1, 2, 3)
    assert expected.schedule == (Turn(0, 10, 5),)
    assert expected.slice_s is None
    assert to_rows(expected.tasks[0].programs[0]) == [
        ["Fence"],
        ["IrqSave"],
        ["Scan", 3],
        ["WrMsr", 0x830, 0x1_0000_00FC],
        ["WrMsr", 0x830, 0x2_0000_00FC],
        ["WrMsr", 0x830, 0x3_0000_00FC],
        ["IrqRestore"],
    ]


TWICE = "the emulator delivered an interrupt twice"


@pytest.mark.parametrize(
    ("slices", "outcome"),
    [
        pytest.param([{"host_faults": [TWICE]}, {}], Outcome("void", TWICE, True), id="first"),
        pytest.param([{}, {"host_faults": [TWICE]}], Outcome("void", TWICE, True), id="last"),
        pytest.param(
            [{"host_faults": [TWICE], "icr_writes": 31}] * 2,
            Outcome("void", TWICE, True),
            id="with-other-counts",
        ),
        pytest.param(
            [{"host_faults": [TWICE]}, {"icr_writes": 29}],
            Outcome("void", "proof of mechanism failed: ICR writes 29 instead of 30"),
            id="another-slice-is-wrong",
        ),
    ],
)
def test_a_slice_that_the_host_spoilt_says_nothing_about_the_sender(
    slices: list[dict[str, Any]], outcome: Outcome
) -> None:
    """The case is void because of the host, unless an honest slice contradicts the ops."""
    reports = "; ".join(telling(**changes) for changes in slices)
    (case,) = booted(reports, slices=2).cases

    assert (case.outcome, case.values) == (outcome, {})


@pytest.mark.parametrize(
    ("clock", "delays_us"),
    [(EXACT, [0, 0]), (NOISY, [0, 0]), (NEAR_EXACT, [137, 274])],
    ids=lambda case: getattr(case, "name", ""),
)
def test_each_near_exact_boot_of_a_guest_starts_at_another_time(
    clock: Clock, delays_us: list[int]
) -> None:
    """Boots that start at the same time would be equal by construction."""
    launch = attrs.evolve(launch_of(""), clock=clock)
    boots = [Boot(number, guest_of(range(4)), (prepared_of(),), (0,)) for number in (1, 2)]

    assert [job_of(boot, launch).start_delay_us for boot in boots] == delays_us


def test_a_worker_may_ask_for_the_ops_of_fewer_targets() -> None:
    """Where a call queue is not empty no IPI is sent: the worker asks, the core answers."""
    report = booted(
        "tell({'kind': 'ask', 'task': 0, 'burst': 0, 'cpus': [2]})\n"
        "answer = protocol.decode(sys.stdin.readline())\n"
        "sys.exit(repr(answer))"
    )
    _, _, message = report.outcome.reason.partition("status 1: ")

    assert message == repr(Answer((Fence(), WrMsr(0x830, 0x2_0000_00FB))))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        pytest.param({"icr_writes": 29}, "ICR writes 29 instead of 30", id="icr-writes"),
        pytest.param({"hypercalls": 1}, "hypercalls 1 instead of 0", id="hypercalls"),
        pytest.param(
            {"handlers": [0, 10, 9, 10]},
            "handler runs on CPU 2: 9 instead of 10",
            id="an-ipi-lost",
        ),
    ],
)
def test_a_boot_without_proof_gives_no_number(wrong: dict[str, Any], reason: str) -> None:
    """A mismatch makes the sample void and names the difference."""
    measured = booted(telling(**wrong)).cases[0]

    assert measured.outcome == Outcome("void", f"proof of mechanism failed: {reason}")
    assert measured.values == {}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("sys.exit(3)", "status 3: no output on stderr", id="silent"),
        pytest.param("", "status 0: no output on stderr", id="ends-without-a-result"),
        pytest.param("sys.exit('no space')", "status 1: no space", id="last-words"),
        pytest.param("raise RuntimeError('boom')", "status 1: RuntimeError: boom", id="raises"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "status -9: no", id="killed"),
        pytest.param(
            "tell({'kind': 'error', 'error': 'no device', 'status': 5})",
            "no device",
            id="its-own-error",
        ),
        pytest.param("print('garbage')", "status 0: garbage", id="no-report"),
        pytest.param("print()", "status 0: no output on stderr", id="empty-line"),
        pytest.param("print(protocol.framed('garbage'))", "cannot be read", id="no-json"),
        pytest.param(
            "print(protocol.framed('{}').replace('{', '['))", "cannot be read", id="damaged"
        ),
        pytest.param(
            "print(protocol.framed('{}').replace('/3 ', '/4 '))",
            "it has version 4 of the protocol, not 3",
            id="of-another-version",
        ),
        pytest.param("tell({'kind': 'answer', 'program': []})", "cannot be read", id="answer"),
        pytest.param("tell(3)", "cannot be read", id="number"),
        pytest.param("tell([])", "cannot be read", id="list"),
        pytest.param("tell({})", "cannot be read", id="says-nothing"),
        pytest.param("tell_slice(None)", "cannot be read", id="no-result"),
        pytest.param(telling(magic=1), "cannot be read", id="unknown-key"),
        pytest.param(telling(counts={}), "cannot be read", id="no-counts"),
        pytest.param(telling(handlers=3), "cannot be read", id="no-list"),
        pytest.param("sys.stdout.buffer.write(b'\\xff\\n')", "status 0: \ufffd", id="binary"),
        pytest.param(
            "tell({'kind': 'ask', 'task': 0})", "cannot be read", id="half-a-question"
        ),
        pytest.param(asking(9, 0, 1), "cannot be read", id="of-no-case"),
        pytest.param(asking(0, 1, 1), "cannot be read", id="of-no-burst"),
        pytest.param(asking(0, 0, 99), "cannot be read", id="of-no-cpu"),
        pytest.param(
            "tell({'kind': 'slice', 'number': 1, 'result': json.loads("
            f"{json.dumps(result_data(slice_result_of()))!r})}})",
            "cannot be read",
            id="out-of-turn",
        ),
        pytest.param(telling(loops=11), "a slice has 11 loops", id="too-many-loops"),
        pytest.param(telling() + "\n" + telling(), "cannot be read", id="one-result-too-many"),
        pytest.param(telling(handlers=[10]), "cannot be read", id="too-few-cpus"),
        pytest.param(telling(icr_writes="30"), "cannot be read", id="count-is-text"),
        pytest.param(
            telling(distributions={"wall": "x"}), "cannot be read", id="times-are-text"
        ),
    ],
)
def test_a_failing_worker_fails_only_its_boot(code: str, reason: str) -> None:
    """`run_boot` never raises for what happens in a worker: the boot is ``failed``."""
    report = booted(code)

    assert report.outcome.kind == "failed"
    assert reason in report.outcome.reason
    assert [(c.outcome, c.values) for c in report.cases] == [(report.outcome, {})]


def test_slices_whose_clocks_differ_give_no_value() -> None:
    """One machine has one rate; the histogram of a boot counts ticks of one clock."""
    reports = [telling(ticks_per_second=rate) for rate in (10**9, 2 * 10**9)]
    launch = attrs.evolve(launch_of("\n".join(reports), slices=2), clock=NOISY)
    (case,) = run_boot(Boot(0, guest_of(range(4)), (prepared_of(),), (0,)), launch).cases

    assert case.outcome.kind == "failed"
    assert "its slices have clocks of different rates" in case.outcome.reason


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        pytest.param(
            {"total": 0, "median": 0.0, "minimum": 0.0}, "wall took 0 ticks", id="no-time"
        ),
        pytest.param({"minimum": -5.0}, "minimum: -5.0 is not", id="negative-time"),
        pytest.param({"samples": 0}, "samples: 0 is not", id="over-no-bursts"),
        pytest.param({"samples": 2**62}, "ticks are impossible", id="over-too-many-bursts"),
        pytest.param({"median": 5000.0}, "ticks are impossible", id="beyond-the-maximum"),
        pytest.param({"histogram": "12*0"}, "impossible bucket", id="impossible-histogram"),
    ],
)
def test_invalid_times_give_no_value(wrong: dict[str, Any], why: str) -> None:
    """pyperf refuses values <= 0; a delivery's mistake must not end the run either."""
    wall = attrs.asdict(bursts_of(2_000)) | wrong
    measured = booted(telling(distributions={"wall": wall})).cases[0]

    assert (measured.outcome.kind, measured.values) == ("failed", {})
    assert why in measured.outcome.reason


def test_a_boot_fails_if_the_command_of_its_site_does_not_exist() -> None:
    """A site's plugin is as fallible as a worker."""
    session = CommandSession(("/nonexistent/worker",), DEADLINE_S)
    launch = attrs.evolve(launch_of(""), session=session)

    boot = Boot(0, guest_of(range(4)), (prepared_of(),), (0,))

    assert run_boot(boot, launch).outcome == Outcome(
        "failed", "/nonexistent/worker cannot be started: No such file or directory"
    )


def test_output_that_is_not_text_is_still_reported(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A driver below the worker may print anything; the manager prints no traceback."""
    booted("sys.stderr.buffer.write(b'\\xff oops\\n'); sys.exit(1)")

    assert capfd.readouterr().err == ""


def test_a_worker_with_malformed_reports_is_ended_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once its report cannot be read it is ended, not left until the deadline."""
    expired: list[bool] = []

    class Deadline(threading.Timer):
        def __init__(self, _: float, end: Any) -> None:
            super().__init__(3, end)

        def cancel(self) -> None:
            expired.extend([True] * self.finished.is_set())
            super().cancel()

    monkeypatch.setattr("threading.Timer", Deadline)
    booted("tell({}); sys.stdin.read()")

    assert expired == []


def test_a_worker_that_hangs_is_ended_at_the_deadline() -> None:
    """The deadline is on the manager's clock, because a worker's clock may run fast."""
    outcome = booted("sys.stdin.read()", timeout_s=0.2).outcome

    assert outcome == Outcome("failed", "the boot took longer than 0.2 s, see --timeout")
