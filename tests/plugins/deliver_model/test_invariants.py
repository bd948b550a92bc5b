"""Invariants of every stack, guest, cost profile and number of sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pvbench.delivery import TARGET_STATES
from pvbench.dispatch import reached
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS, Burst
from pvbench.protocol import SliceReport, decode, encode
from pvbench.run.prepared import Prepared
from pvbench.run.proof import differences
from pvbench.slice_result import SliceResult
from pvbench.suite import Case
from pvbench.x86.apic import NMI_VECTOR
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.host_era import LAST_AVIC_ID
from support.helpers import total_ticks
from support.model import case_of, cpus, run_case, times
from support.model_strategies import DRIVERS, OPERATIONS, STACKS, cases, cost_profiles

Seen = tuple[Prepared, SliceResult]


@st.composite
def seen(draw: st.DrawFn, operations: tuple[str, ...] = OPERATIONS) -> Seen:
    """Some case, run some times."""
    case, cost_profile = draw(cases(operations)), draw(cost_profiles())
    loops, warmup = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    return run_case(case, cost_profile, loops=loops, warmup=warmup)


def requests(prepared: Prepared, loops: int) -> list[int]:
    """How often each CPU is asked for in so many iterations."""
    case = prepared.case
    counts = [0] * len(case.guest.apic_ids)
    for burst in case.bursts:
        for cpu in reached(burst, case.guest):
            counts[cpu] += loops
    return counts


def waits_for_all(prepared: Prepared) -> bool:
    """Every burst has targets, waits and loses none: series are over the same bursts."""
    case = prepared.case
    return not prepared.lossy and all(
        burst.wait and reached(burst, case.guest) for burst in case.bursts
    )


@settings(max_examples=120)
@given(data=st.data())
def test_times_are_whole_and_none_is_negative(data: st.DataObject) -> None:
    """All times are integer picoseconds; no float reaches a result."""
    _, result = data.draw(seen())
    numbers = total_ticks(result).values()

    assert all(type(number) is int and number >= 0 for number in numbers)


@settings(max_examples=120)
@given(data=st.data())
def test_nothing_outlasts_the_acknowledgement(data: st.DataObject) -> None:
    """Always irqoff <= send <= ack and deliver <= ack <= wall."""
    prepared, result = data.draw(seen())
    assume(waits_for_all(prepared))
    ticks = total_ticks(result)
    no_time = dict.fromkeys(("irqoff", "send", "deliver"), 0)

    irqoff, send, deliver = (ticks.get(series, 0) for series in no_time)

    assert irqoff <= send <= ticks["ack"] <= ticks["wall"] and deliver <= ticks["ack"]  # noqa: PT018


@settings(max_examples=120)
@given(data=st.data())
def test_every_function_runs_once_for_every_call(data: st.DataObject) -> None:
    """Whether an IPI is sent to it or is piggybacked; several sources at once included."""
    prepared, result = data.draw(seen(CSD_OPERATIONS))
    assume(not prepared.lossy)

    functions = result.counts.functions

    assert tuple(requests(prepared, result.loops)) == functions


@settings(max_examples=120)
@given(data=st.data())
def test_every_bare_send_is_handled_or_coalesced(data: st.DataObject) -> None:
    """Sends that meet a pending interrupt are counted, not lost."""
    prepared, result = data.draw(seen(BARE_OPERATIONS))
    assume(not prepared.lossy)
    counts = result.counts

    served = [h + c for h, c in zip(counts.handlers, counts.coalesced or (), strict=True)]

    assert requests(prepared, result.loops) == served


@settings(max_examples=120)
@given(data=st.data())
def test_a_slice_result_survives_the_protocol(data: st.DataObject) -> None:
    """A worker reports it so; the protocol has no series whose times are all 0."""
    _, result = data.draw(seen())
    assume(all(total_ticks(result).values()))

    assert decode(encode(SliceReport(0, result))) == SliceReport(0, result)


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
    cost_profile=cost_profiles(),
    state=st.sampled_from(TARGET_STATES),
)
def test_sources_among_cpus_of_their_own_take_as_long_as_alone(
    name: str, pair: tuple[Burst, Burst], cost_profile: CostProfile, state: str
) -> None:
    """The totals of both are the sum of each, the order of events notwithstanding."""
    together = times(case_of(name, cpus(8), *pair, state=state), cost_profile, loops=3)
    single_runs = [
        times(case_of(name, cpus(8), burst, state=state), cost_profile, loops=3)
        for burst in pair
    ]
    del together["makespan"]

    total = Counter(single_runs[0])
    total.update(single_runs[1])

    assert dict(total) == together


@settings(max_examples=120)
@given(data=st.data())
def test_every_run_is_proved(data: st.DataObject) -> None:
    """The counts follow from the ops, whichever local APIC is modelled."""
    prepared, result = data.draw(seen())

    assert differences(prepared, result) == []


@given(case=cases(), cost_profile=cost_profiles(), loops=st.integers(1, 3))
def test_a_case_that_is_run_again_is_the_same_to_the_last_tick(
    case: Case, cost_profile: CostProfile, loops: int
) -> None:
    """Nothing of a run stays behind."""
    first, second = (run_case(case, cost_profile, loops=loops, warmup=1)[1] for _ in range(2))

    assert first == second


@st.composite
def lonely(draw: st.DrawFn, stacks: Sequence[str] = STACKS) -> Case:
    """One source that waits, in a guest that has its host CPUs for itself."""
    case = draw(cases(stacks=stacks))
    burst = attrs.evolve(case.bursts[0], wait=True)
    guest = attrs.evolve(case.guest, host_cpus=None)
    return attrs.evolve(case, guest=guest, bursts=(burst,))


def exits(case: Case, cost_profile: CostProfile, local_apic: str) -> int:
    """Of three iterations and a warm-up, under another local APIC."""
    used = attrs.evolve(cost_profile, local_apic=local_apic, host_linux="6.0")
    return run_case(case, used, loops=3)[1].counts.exits or 0


@given(case=lonely(), cost_profile=cost_profiles())
def test_hardware_assistance_never_adds_exits(case: Case, cost_profile: CostProfile) -> None:
    """The order is KVM in software, virtual registers, IPI virtualization and bare metal."""
    values = [exits(case, cost_profile, name) for name in ("emulated", "apicv", "ipiv")]
    avic, bare = exits(case, cost_profile, "x2avic"), exits(case, cost_profile, "bare")

    assert values == sorted(values, reverse=True)
    assert bare <= avic <= values[1]


@given(case=lonely(), cost_profile=cost_profiles())
def test_bare_metal_exits_for_hypercalls_only(case: Case, cost_profile: CostProfile) -> None:
    """Which no run lets through to it."""
    _, result = run_case(case, attrs.evolve(cost_profile, local_apic="bare"), loops=3)

    assert result.counts.hypercalls == result.counts.exits


@given(case=lonely(DRIVERS), cost_profile=cost_profiles())
def test_avic_exits_if_and_only_if_a_target_must_be_scheduled(
    case: Case, cost_profile: CostProfile
) -> None:
    """An ICR write exits at most once, and never without a target; NMIs always exit."""
    assume(case.bursts[0].vector != NMI_VECTOR)
    assume(max(case.guest.apic_ids) <= LAST_AVIC_ID["x2avic"])
    _, result = run_case(
        case, attrs.evolve(cost_profile, local_apic="x2avic", host_linux="6.0"), loops=3
    )
    counts = result.counts
    blocked, remaining = counts.wakeups_blocked or 0, counts.exits or 0

    assert (remaining > 0) == (blocked > 0)
    assert remaining <= min(blocked, counts.icr_writes or 0)
