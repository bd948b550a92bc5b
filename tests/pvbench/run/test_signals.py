"""SIGINT and SIGTERM during a run: the boot in flight is lost, and nothing else."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from pvbench.run import signals
from pvbench.run.signals import Stop

Tracer = Callable[[FrameType, str, Any], Any]


def signal_at(moment: int, stop: Stop) -> Tracer:
    """A trace function that delivers SIGINT at one line of pvbench.run.signals."""
    passed = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal passed
        if frame.f_code.co_filename != signals.__file__ or frame.f_code.co_name == "_caught":
            return None
        passed += event == "line"
        if event == "line" and passed == moment:
            signal.raise_signal(signal.SIGINT)
        return trace

    return trace


def outcome_of(moment: int) -> tuple[str | None, int]:
    """The result of a boot and the signal that was noted, with SIGINT at a *moment*."""
    stop, before = Stop(), sys.gettrace()
    with stop.on_signals():
        sys.settrace(signal_at(moment, stop))
        try:
            result = stop.unless_signalled(lambda: "booted")
        finally:
            sys.settrace(before)
    return result, stop.signal


def test_a_signal_at_any_line_is_noted_and_raises_nothing() -> None:
    """The boot is either over, and its report is kept, or it is lost; never a traceback."""
    outcomes = [outcome_of(moment) for moment in range(1, 9)]

    assert {result for result, _ in outcomes} == {"booted", None}
    assert {number for result, number in outcomes if result is None} == {signal.SIGINT}
    assert outcomes[0] == (None, signal.SIGINT)
    assert outcomes[-1] == ("booted", 0)


def test_a_second_signal_does_not_interrupt_the_end_of_a_boot() -> None:
    """Its worker has to be killed and waited for."""
    boot_ends = []

    def boot() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            boot_ends.append("worker")

    stop = Stop()
    with stop.on_signals():
        result = stop.unless_signalled(boot)

    assert (result, boot_ends, stop.signal) == (None, ["worker"], signal.SIGTERM)


def test_after_a_signal_no_boot_starts() -> None:
    """A signal between two boots interrupts nothing, and is not forgotten."""
    stop = Stop()
    with stop.on_signals():
        signal.raise_signal(signal.SIGTERM)

        assert stop.unless_signalled(lambda: pytest.fail("it boots")) is None


def test_the_handlers_before_a_run_are_those_after_it() -> None:
    """A program that calls pvbench keeps its own."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Stop().on_signals():
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    assert all(one != other for one, other in zip(before, during, strict=True))
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_a_run_in_another_thread_leaves_the_handlers_alone() -> None:
    """Only the main thread can set them."""
    results: list[str | None] = []

    def run() -> None:
        stop = Stop()
        with stop.on_signals():
            results.append(stop.unless_signalled(lambda: "booted"))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert results == ["booted"]
