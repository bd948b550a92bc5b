"""Boots whose worker is a few lines of code, and reports as it is told."""

from __future__ import annotations

import json
import sys
from typing import Any

import attrs

from pvbench.protocol import result_data
from pvbench.run.boot import BootResult, Launch, run_boot
from pvbench.run.effort import Effort
from pvbench.run.plan import Boot
from pvbench.slice_result import Distribution
from support.helpers import DEADLINE_S, guest_of
from support.runs import prepared_of, slice_result_of
from support.sessions import EXACT, CommandSession

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


def timed(ticks: list[int]) -> dict[str, Any]:
    """A distribution of the series `wall` as a worker reports it."""
    return {"distributions": {"wall": attrs.asdict(Distribution.of(ticks))}}
