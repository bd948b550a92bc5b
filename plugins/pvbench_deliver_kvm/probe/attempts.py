"""
Try every mechanism once, in a guest in a separate process: feature bits prove nothing.

As a program: python -m pvbench_deliver_kvm.probe.attempts GROUP PATIENCE_S PROBE... PARENT_PID
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Protocol

from pvbench.delivery import BootedGuest
from pvbench.end_with_parent import end_after, end_with_parent
from pvbench.errors import PvbenchError
from pvbench.guest import Guest
from pvbench.host import pv_ipi_abi
from pvbench.ops import Program
from pvbench.trials import Ending, ExecutingGuest
from pvbench_deliver_kvm.measure.boot import boot_guest
from pvbench_deliver_kvm.measure.hypercall_abis import NOT_SERVED
from pvbench_deliver_kvm.probe.programs import (
    PROBES,
    PROPOSALS,
    VECTOR,
    Proposal,
    guest_of,
    task_of,
)
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm.fd import IoctlError


class ProbedGuest(BootedGuest, ExecutingGuest, Protocol):
    """A guest that runs tasks and raw programs."""


Boot = Callable[[Guest, Settings], AbstractContextManager[ProbedGuest]]

LOOPS: Final = 3
_LONGEST_S: Final = 600.0  # of a process whose parent does not end it

BEGUN: Final = "begun"
ENDED: Final = "ended"
REFUSED: Final = "refused"


def attempts(
    booted: ProbedGuest, group: str, names: Iterable[str] = ()
) -> Iterator[tuple[str, str]]:
    """
    (probe, reason why the mechanism does not work or '') one by one, in a guest of
    `guest_of`.

    A probe whose guest fails is the last; the rest of *names* needs another guest.
    """
    programs = PROBES[group][2]
    for name in names or programs:
        try:
            reason = _outcome_of(booted, name, programs[name])
        except PvbenchError as error:
            yield name, str(error)
            return
        yield name, reason


def _outcome_of(booted: ProbedGuest, name: str, program: Program) -> str:
    if name in PROPOSALS:
        return _why_not_served(booted, PROPOSALS[name], program)
    task = task_of(name, program)
    result = booted.load(task).run(loops=LOOPS, warmup=0)
    if result.faults:
        return result.faults[0]
    expected = [LOOPS if cpu in task.reached[0] else 0 for cpu in range(2)]
    handlers = result.counts.handlers
    return "" if list(handlers) == expected else f"the CPUs handled {handlers}, not {expected}"


def _why_not_served(booted: ProbedGuest, proposal: Proposal, program: Program) -> str:
    """
    Why the hypercall of *proposal* does not work, without waiting for its target.

    A KVM of another ABI reaches no CPU or others, and may return the same number.
    """
    pv_ipi_abi.serve(proposal.hypercall_abi)
    outcome = booted.execute(((0, program * LOOPS),), "halted")
    reaches_target = outcome.hits.keys() == {(proposal.target, VECTOR)}
    return "" if reaches_target and outcome.endings == (Ending(LOOPS),) else NOT_SERVED


def main(arguments: list[str], boot: Boot = boot_guest) -> None:
    """
    Print each result at once, one JSON value a line.

    BEGUN when the guest has booted, ``[probe, why or '']`` for each probe, and ENDED;
    ``{REFUSED: why}`` if the guest did not boot but may boot another time.
    """
    group, patience_s, *names = arguments
    settings = Settings(execution="ops", patience_s=float(patience_s), software=True)
    try:
        with boot(guest_of(group), settings) as booted:
            _print(BEGUN)
            for pair in attempts(booted, group, names):
                _print(pair)
            _print(ENDED)
    except IoctlError as error:
        if error.number == errno.EINVAL:  # it will fail every time
            for name in names:
                _print((name, str(error)))
        else:
            _print({REFUSED: str(error)})
    except PvbenchError as error:
        _print({REFUSED: str(error)})


def _print(line: object) -> None:
    print(json.dumps(line), flush=True)


def serve(arguments: list[str]) -> None:
    """Do it in a process that ends itself after some time."""
    end_after(_LONGEST_S)
    main(arguments)


if __name__ == "__main__":
    end_with_parent(int(sys.argv.pop()))
    serve(sys.argv[1:])
