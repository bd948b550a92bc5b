"""Real KVM reaches the same targets as the model, with the same return values."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pvbench.delivery import Description, Options
from pvbench.ops import BARE_OPERATIONS, CSD_OPERATIONS
from pvbench.run.prepared import prepare
from pvbench.run.static_check import why_unsupported
from pvbench.sender import Stack
from pvbench.suite import Case
from pvbench.testing.deliveries import check_run
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_model.engine import Engine
from support.helpers import ERAS, guest_of, id_tuples, stack_of
from support.model import call, case_of, cost_profile_of
from support.model_strategies import STACKS, bursts
from support.require import skip_without

pytestmark = pytest.mark.usefixtures("needs_kvm")

# Dense, sparse, in turn, backwards, around 128 and around 255; others are drawn.
LAYOUTS = (
    (0, 1),
    (0, 1, 2, 3, 4, 5, 6, 7),
    tuple(range(20)),
    (0, 16, 32, 48, 64),
    (0, 128, 1, 129, 2, 130),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
    (1, 128, 0),
    (126, 127, 128, 129),
    (253, 254, 3, 250),
    (254, 255, 256, 0, 300),
    (63, 64, 65, 127, 191, 192, 193),
    (4095, 0, 1024, 2048),
)


@cache
def description_here(*, execution: str) -> Description:
    """The description of this host."""
    return KvmDelivery().describe(Options(execution=execution))


def reason(case: Case, *, execution: str) -> str | None:
    """Why the sender or the host cannot run it."""
    ready = why_unsupported(case)
    return ready or KvmDelivery().why_unsupported(
        case.guest, prepare(case).task, description_here(execution=execution)
    )


@st.composite
def cases(draw: st.DrawFn, stack: Stack, *, execution: str) -> Case:
    """One source, any burst, any layout the stack and this host can have."""
    highest = 254 if stack.driver.apic_mode == "xapic" else 4095
    drawn = id_tuples(12, highest)
    guest = guest_of(draw(st.one_of(st.sampled_from(LAYOUTS), drawn)))
    source = draw(st.sampled_from((0, guest.cpus[-1])))
    operations = (*CSD_OPERATIONS, *BARE_OPERATIONS)
    burst = draw(bursts(source, len(guest.cpus), operations, None))
    case = case_of(stack, guest, burst, state="halted", linux=draw(st.sampled_from(ERAS)))
    assume(reason(case, execution=execution) is None)
    return case


def works(stack: Stack) -> str | None:
    """The reason why this stack cannot run a simple burst on this host."""
    return reason(
        case_of(stack, guest_of((0, 1, 2)), call(0, 1, 2), state="halted"), execution="ops"
    )


@pytest.mark.parametrize("execution", ["algorithm", "ops"])
@pytest.mark.parametrize("name", STACKS)
def test_real_kvm_has_the_counts_of_the_model(name: str, execution: str) -> None:
    """The counts are handlers, functions, ICR writes, hypercalls and return values."""
    stack = stack_of(name)
    result = works(stack)
    skip_without("kvm", result, means=stack.sender.mechanism != "hypercall")

    @settings(max_examples=16)
    @given(case=cases(stack, execution=execution))
    def agrees(case: Case) -> None:
        prepared = prepare(case)
        with KvmDelivery().boot(
            case.guest, description_here(execution=execution).worker_data
        ) as booted:
            real = check_run(booted, prepared, loops=2, warmup=1).counts
        model = check_run(
            Engine(case.guest, cost_profile_of()), prepared, loops=2, warmup=1
        ).counts
        (burst,) = case.bursts
        exact = ["icr_writes", "hypercalls", "returned"]
        waits = burst.protocol == "csd"  # csd_lock() waits for the burst before
        exact += ["handlers"] if waits or burst.wait else []  # or one may meet another
        exact += ["functions"] if waits else []

        assert [getattr(model, name) for name in exact] == [
            getattr(real, name) for name in exact
        ]

    agrees()
