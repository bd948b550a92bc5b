"""Trials at a site: boots, lost guests, signals, and the smallest disagreement."""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Generator as Yields
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import attrs
import pytest

from pvbench.delivery import Clock, Description, Options
from pvbench.errors import EmptyError, ProtocolError, UnavailableError, WorkerError
from pvbench.ops import Fence, WrMsr
from pvbench.protocol import (
    Describe,
    DescriptionReport,
    ErrorReport,
    Execute,
    OutcomeReport,
    Report,
    Work,
)
from pvbench.site import Host
from pvbench.trials import Outcome, Programs
from pvbench.verify.campaign import PROBES, run_trials, smallest
from pvbench.verify.generator import SCENES, Generator
from pvbench.verify.judge import judge
from pvbench.verify.place import Place
from pvbench.verify.trials import Trial
from pvbench_deliver_model import Model
from support.helpers import bundled

MODEL: Any = bundled().get("delivery", "model")
WHO: Any = Model().describe(Options())
BIT = 1 << 14


@attrs.define
class FakeSession:
    """A session that executes programs on the model, in this process, with a fault."""

    hosts: tuple[Host, ...] = (Host("here", "here"),)
    boots: list[int] = attrs.field(factory=list)
    dies_after: int = 1 << 30
    error: str = ""
    boots_with_error: Container[int] = range(1 << 30)

    def describe(self, host: Host, request: Describe) -> Description:
        """As the model does."""
        description: Description = MODEL.describe(request.options)
        return description

    def alone(self) -> AbstractContextManager[None]:
        """Nothing is timed."""
        return nullcontext()

    def boot(self, host: Host, job: Work) -> Yields[Report, None, None]:
        """Execute the trials; one that sets BIT of an ICR write loses its interrupts."""
        assert isinstance(job, Execute)
        self.boots.append(len(job.trials))
        if self.error and len(self.boots) in self.boots_with_error:
            yield ErrorReport(self.error)
        with MODEL.boot(job.guest, job.worker_data) as booted:
            for number, programs in enumerate(job.trials):
                if number == self.dies_after:
                    raise WorkerError("the worker ended")
                outcome = booted.execute(programs, job.target_state)
                wrong = Outcome({}, outcome.endings)
                yield OutcomeReport(number, wrong if is_wrong(programs) else outcome)


def is_wrong(programs: Programs) -> bool:
    """Whether a program has an ICR write with BIT."""
    return any(
        isinstance(op, WrMsr) and op.value & BIT for _, program in programs for op in program
    )


def place_of(session: FakeSession) -> Place:
    """The model in a fake session."""
    return Place(
        session=session,
        delivery=MODEL,
        module="pvbench_deliver_model",
        description=WHO,
        deadline_s=60.0,
    )


def ignore(done: int, total: int) -> None:
    """Print no progress."""


def trial(*values: int) -> Trial:
    """A trial of CPU 0 that writes the ICR."""
    return Trial("x2", [(0, tuple(WrMsr(0x830, value) for value in values))])


def test_random_trials_are_executed_after_the_probes_of_eras() -> None:
    """Consecutive trials of a scene share a boot, and each boot has a limit."""
    session = FakeSession()
    done: list[tuple[int, int]] = []

    def progress(*counts: int) -> None:
        done.append((counts[0], counts[1]))

    stored = run_trials(place_of(session), Generator(seed=3), 40, progress)

    assert stored.trials[:2] == PROBES
    assert len(stored.trials) == len(stored.outcomes) == 40
    assert sum(session.boots) == 40
    assert len(session.boots) == len(stored.boots) == len(done)
    assert done[-1] == (40, 40)


def test_long_groups_are_split_into_boots() -> None:
    """A lost worker costs the rest of its boot only."""
    session = FakeSession()

    stored = place_of(session).run([trial(0x40)] * 600, SCENES, ignore)

    assert session.boots == [250, 250, 100]
    assert stored.boots == (0, 250, 500)


def test_a_worker_that_dies_loses_one_trial() -> None:
    """The rest is executed in the next boot."""
    session = FakeSession(dies_after=2)

    stored = place_of(session).run([trial(0x40)] * 5, SCENES, ignore)

    assert [outcome.lost for outcome in stored.outcomes] == [
        "",
        "",
        "the worker ended",
        "",
        "",
    ]
    assert stored.boots == (0, 3)


def test_a_guest_that_does_not_boot_is_an_error_of_the_environment() -> None:
    """No outcome would ever come."""
    place = place_of(FakeSession(error="no memory"))

    with pytest.raises(UnavailableError, match="no guest executes programs of scene x2"):
        place.run([trial(0x40)], SCENES, ignore)


@pytest.mark.parametrize(
    ("boots_with_error", "boots", "executed", "refused"),
    [
        pytest.param({2}, [250, 250, 250, 100], 600, 0, id="once"),
        pytest.param({2, 3}, [250, 250, 250], 250, 350, id="twice"),
    ],
)
def test_a_boot_that_fails_after_others_is_tried_again(
    boots_with_error: set[int], boots: list[int], executed: int, refused: int
) -> None:
    """If it fails again, the outcomes of the others are kept."""
    session = FakeSession(error="the kernel panicked", boots_with_error=boots_with_error)
    place = place_of(session)

    stored = place.run([trial(0x40)] * 600, SCENES, ignore)

    assert (session.boots, len(stored.outcomes)) == (boots, executed)
    assert (sum(place.refused.values()), place.is_incomplete) == (refused, refused > 0)
    assert all("the kernel panicked" in reason for reason in place.refused)


def test_a_report_of_another_kind_is_refused() -> None:
    """A worker may be any program."""
    place = attrs.evolve(place_of(FakeSession()), session=Talkative())

    with pytest.raises(ProtocolError, match="it does not report an outcome"):
        place.run([trial(0x40)], SCENES, ignore)


class Talkative(FakeSession):
    """A session that describes itself when it should execute."""

    def boot(self, host: Host, job: Work) -> Yields[Report, None, None]:
        yield DescriptionReport(WHO)


def test_trials_that_the_delivery_cannot_execute_are_counted_by_reason() -> None:
    """If nothing is left, that is an error."""
    bare = MODEL.describe(Options(costs="bare-metal"))
    place = attrs.evolve(place_of(FakeSession()), description=bare)
    none = attrs.evolve(place, delivery=Refusing(), refused={})

    stored = run_trials(place, Generator(seed=3), 5, ignore)

    assert len(stored.outcomes) == 5
    with pytest.raises(EmptyError, match="no program can be executed there: not today"):
        run_trials(none, Generator(seed=3), 5, ignore)
    assert none.refused == {"not today": 250}


class Refusing(Model):
    """A delivery that supports nothing."""

    def why_unsupported(self, *_: object) -> str:
        return "not today"


def test_a_signal_ends_the_run_and_keeps_what_was_executed() -> None:
    """As after an interrupted run of a suite."""
    place = place_of(FakeSession())

    def interrupt(done: int, total: int) -> None:
        place.stop.signal = 2

    stored = place.run([trial(0x40)] * 300, SCENES, interrupt)

    assert (len(stored.trials), len(stored.outcomes)) == (250, 250)


def test_the_smallest_disagreement_is_found_by_executing_smaller_trials() -> None:
    """The fault of this fake needs one bit and a destination."""
    place = place_of(FakeSession())
    big = Trial("x2", [(0, (Fence(), WrMsr(0x830, 3 << 32 | 0x40F1), WrMsr(0x830, 0x50)))])
    stored = place.run([*PROBES, big], SCENES, ignore)
    disagreement = judge(stored).smallest
    assert disagreement is not None

    minimised = smallest(place, stored, disagreement)

    (source, (op,)) = minimised.trial.programs[0]
    assert (source, type(op)) == (0, WrMsr)
    assert minimised.trial.size == 1
    assert isinstance(op, WrMsr)
    assert op.value & BIT
    assert bin(op.value).count("1") <= 2
    assert minimised.differences[0].startswith("KVM does not interrupt CPU 0")


def test_a_disagreement_that_does_not_repeat_stays_as_it_is() -> None:
    """It may have been the load of the host."""
    session = FakeSession()
    stored = place_of(session).run([trial(3 << 32 | 0x40F1)], SCENES, ignore)
    disagreement = judge(stored).smallest
    assert disagreement is not None

    steady = attrs.evolve(place_of(session), session=Steady())

    assert smallest(steady, stored, disagreement) is disagreement


class Steady(FakeSession):
    """A session without a fault."""

    def boot(self, host: Host, job: Work) -> Yields[Report, None, None]:
        assert isinstance(job, Execute)
        with MODEL.boot(job.guest, job.worker_data) as booted:
            for number, programs in enumerate(job.trials):
                yield OutcomeReport(number, booted.execute(programs, job.target_state))


def test_a_measuring_delivery_names_the_kernel() -> None:
    """A model has none."""
    place = place_of(FakeSession())
    real = attrs.evolve(
        WHO, clock=Clock("tsc", None, "noisy"), host={"kernel_release": "6.1.0-56"}
    )

    assert place.kernel == ""
    assert attrs.evolve(place, description=real).kernel == "6.1.0-56"
