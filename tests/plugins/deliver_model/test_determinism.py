"""The same task gives the same slice result on any engine and in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.run.prepared import Prepared, prepare
from pvbench.slice_result import SliceResult
from pvbench_deliver_model.engine import Engine
from support.helpers import total_ticks
from support.model import call, case_of, cost_profile_of, cpus, mask

GUEST = cpus(6)
BUSY_TASKS = [
    pytest.param((call(0, 1, 2, 3),), "halted", id="one-source-halted"),
    pytest.param((call(0, 1, 2), call(1, 0, 2), call(3, 1, 2)), "halted", id="three-sources"),
    pytest.param((mask(0, 1, 2, wait=False), mask(5, 2, lock=True)), "running", id="bare"),
]
SCRIPT = """
from pvbench.protocol import SliceReport, encode
from support.model import call, case_of, cpus, mask, run_case

for stack in ("kvm-pv/x2apic-cluster", "hyperv-ipi/xapic-flat", "x2apic-physical"):
    bursts = call(0, 1, 2, 4), call(1, 0, 2, 3), call(4, 1, wait=False), mask(5, 2, 3)
    case = case_of(stack, cpus(6, host_cpus=4), *bursts, state="halted")
    print(encode(SliceReport(0, run_case(case, loops=4, warmup=1)[1])))
"""


def prepared_of(bursts: tuple[Burst, ...], state: str, guest: Guest = GUEST) -> Prepared:
    """The case of the bursts, sent by kvm-pv."""
    return prepare(case_of("kvm-pv/x2apic-physical", guest, *bursts, state=state))


def ran(engine: Engine, prepared: Prepared) -> SliceResult:
    """Run three iterations after one warm-up."""
    return engine.load(prepared.task).run(loops=3, warmup=1)


@pytest.mark.parametrize(("bursts", "state"), BUSY_TASKS)
def test_a_task_gives_the_same_slice_result_each_time(
    bursts: tuple[Burst, ...], state: str
) -> None:
    """Every slice starts with vCPUs in their initial state."""
    prepared = prepared_of(bursts, state)
    engine = Engine(prepared.case.guest, cost_profile_of())

    first, second = ran(engine, prepared), ran(engine, prepared)

    assert first == second


@pytest.mark.parametrize(("bursts", "state"), BUSY_TASKS)
def test_a_slice_is_independent_of_earlier_ones(bursts: tuple[Burst, ...], state: str) -> None:
    """Halt polling, locks and call queues start anew."""
    prepared = prepared_of(bursts, state)
    used = Engine(prepared.case.guest, cost_profile_of())
    for other in ((call(2, 0, 1, lock=True), mask(1, 2)), (mask(3, 0, 1, 2, wait=False),)):
        ran(used, prepared_of(other, "halted"))

    fresh = Engine(prepared.case.guest, cost_profile_of())

    assert ran(fresh, prepared) == ran(used, prepared)


def test_an_engine_does_not_change_its_cost_profile_and_guest() -> None:
    """Several cases share them."""
    cost_profile, guest = cost_profile_of(), case_of("x2apic-physical", GUEST).guest
    ran(Engine(guest, cost_profile), prepared_of((call(0, 1, 2),), "halted"))

    assert (cost_profile_of(), case_of("x2apic-physical", GUEST).guest) == (cost_profile, guest)


def test_a_slice_is_the_sum_of_its_iterations() -> None:
    """Four iterations equal four single ones after warm-ups of 0 to 3."""
    prepared = prepared_of((call(0, 1, 2, 3),), "halted")
    engine, task = Engine(prepared.case.guest, cost_profile_of()), prepared.task
    single = [total_ticks(engine.load(task).run(loops=1, warmup=warmup)) for warmup in range(4)]

    all_ticks = total_ticks(engine.load(task).run(loops=4, warmup=0))

    assert all_ticks == {series: sum(ticks[series] for ticks in single) for series in all_ticks}


def in_a_process(hash_seed: str) -> bytes:
    """Standard output of SCRIPT in an interpreter with this hash seed."""
    tests = str(Path(__file__).parents[2])
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": tests},
        stdout=subprocess.PIPE,
        check=True,
    )
    return output.stdout


def test_the_hash_seed_of_a_process_changes_no_byte() -> None:
    """No output depends on the order of a set."""
    outputs = [in_a_process(hash_seed) for hash_seed in ("0", "1", "4711")]

    assert ([outputs[0]] * 3, 3) == (outputs, outputs[0].count(b"#pvbench"))
