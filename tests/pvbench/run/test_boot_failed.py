"""A boot fails if its worker does, whatever the worker does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench import trials
from pvbench.protocol import OutcomeReport, SliceReport, decode, result_data
from pvbench.run.boot import run_boot
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from support.helpers import DEADLINE_S, guest_of
from support.mutations import mutated
from support.runs import prepared_of, slice_result_of
from support.sessions import CommandSession
from support.told_worker import asking, booted, launch_of, telling


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
            "print(protocol.framed('{}').replace('/4 ', '/5 '))",
            "it has version 5 of the protocol, not 4",
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


def test_a_site_that_reports_no_slice_fails_its_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports of other kinds are read as well, but are not results of a job."""
    reports = iter([OutcomeReport(0, trials.Outcome())])
    monkeypatch.setattr(CommandSession, "boot", lambda *_: (report for report in reports))

    assert "it does not report a slice" in booted("").outcome.reason
