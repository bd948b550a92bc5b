"""The conformance kit refuses faulty deliveries and says where the fault is."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from pvbench.delivery import BootedGuest, Description, Options, Task
from pvbench.errors import UnavailableError
from pvbench.guest import Guest
from pvbench.run.prepared import prepare
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench.testing import deliveries
from pvbench.testing.deliveries import check_delivery, check_run
from pvbench.topology import parse_guest
from pvbench.trials import Ending, Outcome
from pvbench_deliver_model import Model
from pvbench_deliver_model.engine import Engine
from support.loaded import Tampering
from support.model import call, case_of, cost_profile_of, cpus


class Small(Model):
    """The model for one guest and native senders only, so that a check is quick."""

    name = "test-delivery"
    serves = ("sockets:1x2x2", "icr")

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        return None if (guest.name, task.mechanism) == self.serves else "too much to check"


class Reports(Small):
    """A guest that changes the slice result."""

    def __init__(self, tamper: Callable[[SliceResult], SliceResult]) -> None:
        self.tamper = tamper

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        with super().boot(guest, worker_data) as booted:
            yield Tampering(booted, self.tamper)


def counted(result: SliceResult, **changes: Any) -> SliceResult:
    """Return the slice result with other counts."""
    counts = Counts(**(attrs.asdict(result.counts) | changes))
    return attrs.evolve(result, counts=counts)


NINE = Distribution.of([9])


def timed(result: SliceResult, series: str, times: Any) -> SliceResult:
    """Return the slice result with other times of a series."""
    return attrs.evolve(result, distributions=result.distributions | {series: times})


def first_cpu_never(result: SliceResult) -> SliceResult:
    return counted(result, handlers=(0, *result.counts.handlers[1:]))


def raises(result: SliceResult) -> SliceResult:
    raise OSError("no such device")


@pytest.fixture
def two_guests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use two guests: one that `Small` serves, and one that it does not."""
    guests = [*map(parse_guest, ("dense:2", "sockets:1x2x2"))]
    monkeypatch.setattr(deliveries, "small_guests", lambda: guests)


@pytest.mark.usefixtures("two_guests")
@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        pytest.param(first_cpu_never, "handler runs on CPU 0: 0 instead of 2", id="loses-one"),
        pytest.param(
            lambda result: counted(result, handlers=(0,)),
            "comparing its counts raises ValueError",
            id="counts-of-too-few-cpus",
        ),
        pytest.param(
            lambda result: counted(result, icr_writes=9), "ICR writes 9 instead of", id="writes"
        ),
        pytest.param(
            lambda result: counted(result, functions=(7,) * 4),
            "functions run on CPU 0: 7 instead of",
            id="functions",
        ),
        pytest.param(
            lambda result: attrs.evolve(result, loops=3),
            "its slice result has 3 loops, not 2",
            id="loops",
        ),
        pytest.param(
            lambda result: attrs.evolve(result, distributions={}),
            "its slice result has no times",
            id="no-times",
        ),
        pytest.param(
            lambda result: timed(result, "lunch", NINE),
            "run() raises ValueError: SliceResult.distributions has 'lunch', not one of send",
            id="unknown-series",
        ),
        pytest.param(
            lambda result: timed(result, "wall", Distribution.of([-9])),
            "run() raises ValueError: 1 times with a sum of -9, minimum -9, median -9",
            id="time-runs-back",
        ),
        pytest.param(
            lambda result: timed(result, "wall", 9j),
            "sending its slice result raises TypeError",
            id="no-json",
        ),
        pytest.param(raises, "run() raises OSError: no such device", id="raises"),
    ],
)
def test_a_wrong_slice_result_is_refused_with_its_case(
    tamper: Callable[[SliceResult], SliceResult], sentence: str
) -> None:
    """The sentence names the delivery, the stack, the guest, the burst and the fault."""
    place = (
        r"^test-delivery: [\w-]+ on sockets:1x2x2, Linux 6.12, \w+ 0x[0-9a-f]+ from CPU \d.*: "
    )

    with pytest.raises(AssertionError, match=place + re.escape(sentence)):
        check_delivery(Reports(tamper))


class Busy(Small):
    def why_unavailable(self) -> str | None:
        return "it needs a device"


class SupportsNothing(Small):
    serves = ("dense:0", "none")


class DeclinesInSilence(Small):
    def why_unsupported(self, *_: Any) -> str | None:
        return ""


class FailsToDecline(Small):
    def why_unsupported(self, *_: Any) -> str | None:
        raise KeyError("state")


class HidesErrors(Small):
    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        try:
            with super().boot(guest, worker_data) as booted:
                yield booted
        except Exception:
            return


class DoesNotBoot(Small):
    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        yield self.booted()

    def booted(self) -> BootedGuest:
        raise OSError("no memory")


class LeavesFile(Small):
    forgotten: list[Any] = []  # noqa: RUF012 - what a faulty delivery forgets

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        self.forgotten.append(open(__file__))  # noqa: SIM115
        with super().boot(guest, worker_data) as booted:
            yield booted


class LeavesThread(Small):
    end: threading.Event

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        threading.Thread(target=self.end.wait, name="vcpu").start()
        with super().boot(guest, worker_data) as booted:
            yield booted


class DescribesInPython(Small):
    def describe(self, options: Options) -> Description:
        return attrs.evolve(super().describe(options), limits={"costs": {1, 2}})  # type: ignore[dict-item]


class DescribesNoClock(Small):
    def describe(self, options: Options) -> Description:
        raise KeyError("clock")


class ExecutesNothing(Small):
    """A guest that takes raw programs and does nothing."""

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        with super().boot(guest, worker_data) as booted:
            booted.execute = lambda programs, state: Outcome({}, (Ending(),) * len(programs))  # type: ignore[attr-defined]
            yield booted


class NoSummary:
    name = "test-delivery"


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Clean up the threads and files that faulty deliveries leak."""
    LeavesThread.end = threading.Event()
    yield
    LeavesThread.end.set()
    while LeavesFile.forgotten:
        LeavesFile.forgotten.pop().close()


@pytest.mark.usefixtures("no_leaks", "two_guests")
@pytest.mark.parametrize(
    ("delivery", "sentence"),
    [
        pytest.param(
            SupportsNothing(),
            "test-delivery: it supports no case of any bundled sender",
            id="nothing",
        ),
        pytest.param(
            DeclinesInSilence(),
            "why_unsupported() returns '', neither None nor a reason",
            id="no-reason",
        ),
        pytest.param(
            FailsToDecline(),
            "why_unsupported() raises KeyError: 'state'",
            id="unsupported-raises",
        ),
        pytest.param(HidesErrors(), "sockets:1x2x2: boot() hides an error", id="hides-errors"),
        pytest.param(
            DoesNotBoot(), "sockets:1x2x2: boot() raises OSError: no memory", id="does-not-boot"
        ),
        pytest.param(
            ExecutesNothing(),
            "execute(): KVM does not interrupt CPU 1 by",
            id="executes-nothing",
        ),
        pytest.param(LeavesFile(), "leaks file /proc/self/fd/", id="leaves-a-file"),
        pytest.param(LeavesThread(), "leaks thread vcpu (", id="leaves-a-thread"),
        pytest.param(
            DescribesInPython(),
            "test-delivery: sending its description raises TypeError",
            id="description-that-is-no-json",
        ),
        pytest.param(
            DescribesNoClock(),
            "test-delivery: describe() raises KeyError: 'clock'",
            id="describe",
        ),
        pytest.param(
            NoSummary(),
            "delivery test-delivery: the loader refuses it: it offers a delivery without a "
            "summary: 'test-delivery'",
            id="no-summary",
        ),
    ],
)
def test_a_delivery_that_violates_the_interface_is_refused(
    delivery: Any, sentence: str
) -> None:
    """The faults are before, between and after the slices."""
    with pytest.raises(AssertionError, match=re.escape(sentence)):
        check_delivery(delivery)


def test_an_unavailable_delivery_raises_its_reason() -> None:
    """It is not a fault of the delivery; a test may skip with the reason."""
    with pytest.raises(
        UnavailableError, match=r"test-delivery cannot be .*: it needs a device"
    ):
        check_delivery(Busy())


def test_a_delivery_without_a_fault_passes_with_a_description_of_the_author_s() -> None:
    """Otherwise the refusals above would prove nothing."""
    check_delivery(Small(), Model().describe(Options(costs="bare-metal")))


def test_acknowledgements_of_lost_targets_are_refused() -> None:
    """No source can wait for a target that is never reached."""
    case = case_of("kvm-pv128-v3/x2apic-physical", cpus(130), call(0, 1, 129))
    booted = Tampering(Engine(case.guest, cost_profile_of()), lambda t: timed(t, "ack", NINE))

    with pytest.raises(
        AssertionError, match="acknowledgements although some targets never acknowledge"
    ):
        check_run(booted, prepare(case))
