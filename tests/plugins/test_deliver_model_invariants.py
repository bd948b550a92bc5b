"""What holds for every stack, guest, profile and any number of sources."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers import bundled, guests, stack_of
from model_helpers import case_of, cpus, profile_of, run_case, times
from pvbench.check import Prepared, unsupported
from pvbench.delivery import TARGET_STATES
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst
from pvbench.sender import reached
from pvbench.suite import Case
from pvbench.topology import Guest
from pvbench.trace import Trace
from pvbench_deliver_model.profile import FASTPATHS, Profile

DRIVERS = sorted(bundled().drivers)
OVER = [f"{overlay}/{driver}" for overlay in sorted(bundled().overlays) for driver in DRIVERS]
STACKS = [*DRIVERS, *OVER]
OPERATIONS = (*CSD_OPERATIONS, *CSD_OPERATIONS, *BARE_OPERATIONS)
ONE_TARGET = ("send_IPI", "smp_call_function_single")

Seen = tuple[Prepared, Trace]


@st.composite
def bursts(
    draw: st.DrawFn, source: int, count: int, operations: tuple[str, ...], wait: bool | None
) -> Burst:
    """An operation of CPU *source*; a mask call does not name its caller."""
    operation = draw(st.sampled_from(operations))
    cpu = st.integers(0, count - 1)
    most = 1 if operation in ONE_TARGET else min(count, 8)
    targets = draw(st.sets(cpu, min_size=min(1, most), max_size=most))
    if operation == "smp_call_function_many":
        targets -= {source}
    return Burst(
        source=source,
        operation=operation,
        targets=targets,
        vector=draw(st.sampled_from((0xFB, 0xFC, 0xFD))),
        wait=draw(st.booleans()) if wait is None else wait,
        lock=draw(st.booleans()),
    )


@st.composite
def cases(draw: st.DrawFn, operations: tuple[str, ...] = OPERATIONS) -> Case:
    """Any stack; small guests, so that sources meet; one burst for each source."""
    stack = stack_of(draw(st.sampled_from(STACKS)))
    guest = draw(guests(stack))
    if draw(st.booleans()):
        guest = stack.guest(cpus(draw(st.integers(2, 6))))
    count = len(guest.apic_ids)
    sources = draw(st.lists(st.integers(0, count - 1), unique=True, min_size=1, max_size=4))
    wait = draw(st.sampled_from((True, False, None)))
    chosen = [draw(bursts(source, count, operations, wait)) for source in sources]
    case = case_of(
        stack,
        shared(guest, draw(st.sampled_from((None, None, 1, 2, 3)))),
        *chosen,
        state=draw(st.sampled_from(TARGET_STATES)),
        shorthands=draw(st.booleans()),
    )
    assume(unsupported(case) is None)
    return case


def shared(guest: Guest, host_cpus: int | None) -> Guest:
    """The guest on so many host CPUs."""
    return Guest(name=guest.name, apic_ids=guest.apic_ids, bits=guest.bits, host_cpus=host_cpus)


def profiles() -> st.SearchStrategy[Profile]:
    """Costs from nothing to more than everything else together."""
    costs = {
        name: st.sampled_from((0, 7, 400, 9_000))
        for name in (
            "ack_poll",
            "csd_queue",
            "deliver_target",
            "handler_work",
            "interrupt_exit",
            "kick",
            "lock_handover",
            "loop_overhead",
            "posted_notification",
            "wake_blocked",
        )
    }
    return st.builds(
        profile_of,
        apicv=st.booleans(),
        icr_fastpath=st.sampled_from(FASTPATHS),
        exit_entry_share=st.sampled_from((0, 0.25, 1)),
        **costs,
    )


@st.composite
def seen(draw: st.DrawFn, operations: tuple[str, ...] = OPERATIONS) -> Seen:
    """Some case, run some times."""
    case, profile = draw(cases(operations)), draw(profiles())
    loops, warmup = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    return run_case(case, profile, loops=loops, warmup=warmup)


def requests(prepared: Prepared, loops: int) -> list[int]:
    """How often each CPU is asked for in so many iterations."""
    case = prepared.case
    asked = [0] * len(case.guest.apic_ids)
    for burst in case.bursts:
        for cpu in reached(burst, case.guest):
            asked[cpu] += loops
    return asked


def waits_for_all(prepared: Prepared) -> bool:
    """Every burst has targets, waits and loses none: series are over the same bursts."""
    case = prepared.case
    return not prepared.lossy and all(
        burst.wait and reached(burst, case.guest) for burst in case.bursts
    )


@settings(max_examples=120)
@given(data=st.data())
def test_times_are_whole_and_none_is_negative(data: st.DataObject) -> None:
    """Integer picoseconds all through; no float reaches a result."""
    _, trace = data.draw(seen())
    spreads = [(d.p50, d.p99, d.maximum) for d in trace.distributions.values()]

    numbers = [*trace.ticks.values(), *(n for spread in spreads for n in spread)]

    assert all(type(number) is int and number >= 0 for number in numbers)


@settings(max_examples=120)
@given(data=st.data())
def test_nothing_outlasts_the_acknowledgement(data: st.DataObject) -> None:
    """Always irqoff <= send <= ack and deliver <= ack <= wall."""
    prepared, trace = data.draw(seen())
    assume(waits_for_all(prepared))
    ticks = trace.ticks
    none = dict.fromkeys(("irqoff", "send", "deliver"), 0)

    irqoff, send, deliver = (ticks.get(series, 0) for series in none)

    assert irqoff <= send <= ticks["ack"] <= ticks["wall"] and deliver <= ticks["ack"]  # noqa: PT018


@settings(max_examples=120)
@given(data=st.data())
def test_every_function_runs_once_for_every_call(data: st.DataObject) -> None:
    """Whether it is sent to or rides; several sources at once included."""
    prepared, trace = data.draw(seen(CSD_OPERATIONS))
    assume(not prepared.lossy)

    functions = trace.counts.functions

    assert tuple(requests(prepared, trace.loops)) == functions


@settings(max_examples=120)
@given(data=st.data())
def test_every_bare_send_is_handled_or_coalesced(data: st.DataObject) -> None:
    """Sends that meet a pending interrupt are counted, not lost."""
    prepared, trace = data.draw(seen(BARE_OPERATIONS))
    assume(not prepared.lossy)
    counts = trace.counts

    served = [h + c for h, c in zip(counts.handlers, counts.coalesced, strict=True)]

    assert requests(prepared, trace.loops) == served


@settings(max_examples=120)
@given(data=st.data())
def test_a_trace_survives_json(data: st.DataObject) -> None:
    """A worker reports it so."""
    _, trace = data.draw(seen())

    assert trace == Trace.from_json(json.loads(json.dumps(trace.to_json())))


@st.composite
def calls_among(draw: st.DrawFn, first: int) -> Burst:
    """CPU *first* interrupts some of the three CPUs behind it, without a lock."""
    operation = draw(st.sampled_from(("smp_call_function_many", "send_IPI_mask")))
    targets = draw(st.sets(st.integers(first + 1, first + 3), min_size=1))
    wait = draw(st.booleans())
    return Burst(source=first, operation=operation, targets=targets, wait=wait)


@settings(max_examples=120)
@given(
    name=st.sampled_from(STACKS),
    pair=st.tuples(calls_among(0), calls_among(4)),
    profile=profiles(),
    state=st.sampled_from(TARGET_STATES),
)
def test_sources_among_cpus_of_their_own_take_as_long_as_alone(
    name: str, pair: tuple[Burst, Burst], profile: Profile, state: str
) -> None:
    """The totals of both are the sum of each, the order of events notwithstanding."""
    together = times(case_of(name, cpus(8), *pair, state=state), profile, loops=3)
    alone = [
        times(case_of(name, cpus(8), burst, state=state), profile, loops=3) for burst in pair
    ]
    del together["makespan"]

    total = Counter(alone[0])
    total.update(alone[1])

    assert dict(total) == together
