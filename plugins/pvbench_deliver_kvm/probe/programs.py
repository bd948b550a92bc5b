"""
Try every mechanism once, in a guest in a separate process: feature bits prove nothing.

As a program: python -m pvbench_deliver_kvm.probe.programs GROUP PATIENCE_S PROBE... PARENT_PID
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Final

from pvbench.delivery import BootedGuest, Task
from pvbench.end_with_parent import end_after, end_with_parent
from pvbench.errors import PvbenchError
from pvbench.guest import Guest
from pvbench.ops import Burst, Fence, Hypercall, MmioWrite, Program, WriteMem, WrMsr
from pvbench.sequences import input_page
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DEST_ALLBUT,
    APIC_DEST_LOGICAL,
    APIC_ICR,
    APIC_ICR2,
    APIC_SELF_IPI,
    CALL_FUNCTION_VECTOR,
    NMI_VECTOR,
    icr_low,
    x2apic_msr,
)
from pvbench.x86.hyperv import (
    HV_HYPERCALL_FAST_BIT,
    HV_HYPERCALL_VARHEAD_OFFSET,
    HVCALL_SEND_IPI,
    HVCALL_SEND_IPI_EX,
)
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI
from pvbench_deliver_kvm.measure.boot import boot_guest
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm.fd import IoctlError

Boot = Callable[[Guest, Settings], AbstractContextManager[BootedGuest]]

LOOPS: Final = 3
_LONGEST_S: Final = 600.0  # of a process whose parent does not end it

BEGUN: Final = "begun"
ENDED: Final = "ended"
REFUSED: Final = "refused"

_VECTOR: Final = CALL_FUNCTION_VECTOR
_TARGET: Final = 0b10  # CPU 1, APIC ID 1, as a bit of any mask
_PAGE: Final = input_page(0)


def _icr(low: int, destination: int = 0) -> WrMsr:
    return WrMsr(x2apic_msr(APIC_ICR), destination << 32 | low)


def _mmio(low: int, destination: int = 0) -> Program:
    icr2 = MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR2, destination << 24)
    return icr2, MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR, low)


# By group, which is one child and one boot: APIC mode, hypercall ABI, and ops of
# CPU 0 that reach CPU 1 (the SELF IPI: CPU 0).
PROBES: Final[dict[str, tuple[str, str, dict[str, Program]]]] = {
    "x2apic": (
        "x2apic",
        "kvm",
        {
            "x2apic-physical": (Fence(), _icr(icr_low(_VECTOR), 1)),
            "x2apic-logical": (Fence(), _icr(icr_low(_VECTOR, APIC_DEST_LOGICAL), _TARGET)),
            "x2apic-shorthand": (Fence(), _icr(icr_low(_VECTOR, APIC_DEST_ALLBUT))),
            "x2apic-self": (WrMsr(x2apic_msr(APIC_SELF_IPI), _VECTOR),),
            "x2apic-nmi": (Fence(), _icr(icr_low(NMI_VECTOR), 1)),
        },
    ),
    "xapic": (
        "xapic",
        "kvm",
        {
            "xapic-physical": _mmio(icr_low(_VECTOR), 1),
            "xapic-logical": _mmio(icr_low(_VECTOR, APIC_DEST_LOGICAL), _TARGET),
            "xapic-shorthand": _mmio(icr_low(_VECTOR, APIC_DEST_ALLBUT)),
            "xapic-nmi": _mmio(icr_low(NMI_VECTOR), 1),
        },
    ),
    "kvm": (
        "x2apic",
        "kvm",
        {"kvm-hypercall": (Hypercall(KVM_HC_SEND_IPI, (_TARGET, 0, 0, _VECTOR)),)},
    ),
    "hyperv": (
        "x2apic",
        "hyperv",
        {
            "hyperv-hypercall": (
                Hypercall(HVCALL_SEND_IPI | HV_HYPERCALL_FAST_BIT, (_VECTOR, _TARGET)),
            ),
            "hyperv-hypercall-ex": (
                WriteMem(_PAGE, (_VECTOR, 0, 1, _TARGET)),
                Hypercall(HVCALL_SEND_IPI_EX | 1 << HV_HYPERCALL_VARHEAD_OFFSET, (_PAGE, 0)),
            ),
        },
    ),
}


def guest_of(group: str) -> Guest:
    """The guest of the probes of *group*."""
    apic_mode, abi, _ = PROBES[group]
    return Guest(name="dense:2", apic_ids=(0, 1), apic_mode=apic_mode, hypercall_abi=abi)


def attempts(
    booted: BootedGuest, group: str, names: Iterable[str] = ()
) -> Iterator[tuple[str, str]]:
    """
    (probe, reason why the mechanism does not work or '') one by one, in a guest of
    `guest_of`.

    A probe whose guest fails is the last; the rest of *names* needs another guest.
    """
    programs = PROBES[group][2]
    for name in names or programs:
        task = _task(name, programs[name])
        try:
            result = booted.load(task).run(loops=LOOPS, warmup=0)
        except PvbenchError as error:
            yield name, str(error)
            return
        yield name, _outcome_of(task, result.counts.handlers, result.faults)


def _task(name: str, program: Program) -> Task:
    vector = NMI_VECTOR if name.endswith("nmi") else _VECTOR
    target = 0 if name.endswith("self") else 1
    return Task(
        bursts=(Burst(source=0, operation="send_IPI_mask", targets=(target,), vector=vector),),
        programs=(program,),
        reached=((target,),),
        program_for=lambda burst, cpus: (),
    )


def _outcome_of(task: Task, handlers: tuple[int, ...], faults: tuple[str, ...]) -> str:
    if faults:
        return faults[0]
    expected = [LOOPS if cpu in task.reached[0] else 0 for cpu in range(2)]
    return "" if list(handlers) == expected else f"the CPUs handled {handlers}, not {expected}"


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
