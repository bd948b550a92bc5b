"""
What works on this host: every mechanism is tried once, feature bits prove nothing.

A trial that does not return must not cost the run, so trials happen in child
processes under the manager's clock, and their verdicts are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from pvbench import host
from pvbench.delivery import Machine, Task
from pvbench.errors import PvbenchError
from pvbench.ops import Burst, Fence, Hypercall, MmioWrite, Program, WriteMem, WrMsr
from pvbench.sequences import input_page
from pvbench.topology import Guest
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
from pvbench_deliver_kvm import build

START_S: Final = 60.0  # of a child until it has a guest, which takes long under emulation
LIMIT_S: Final = 1.8  # of a trial, by the clock of this process: a guest's may race
PATIENCE_S: Final = 1.0
LOOPS: Final = 3

_BEGUN: Final = '"begun"'  # the line a child starts with
_NO_GUEST: Final = "no guest starts"
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
TRIALS: Final[dict[str, tuple[str, str, dict[str, Program]]]] = {
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


def verdicts() -> dict[str, str]:
    """
    For each trial why it does not work here, '' if it does.

    Kept for this kernel, microcode, KVM with its parameters, and guest.
    """
    kept = build.cache_folder() / f"kvm-verdicts-{_key()}.json"
    try:
        found: dict[str, str] = json.loads(kept.read_text())
    except (OSError, ValueError):
        found = {name: why for group in TRIALS for name, why in _tried(group).items()}
        if _NO_GUEST not in found.values():  # which may pass
            build.keep(json.dumps(found).encode(), kept)
    return found


def _key() -> str:
    return hashlib.sha256(f"{host.kvm_key()} {build.key()}".encode()).hexdigest()[:16]


def _tried(group: str) -> dict[str, str]:
    """The verdicts of one child; what it did not live to tell does not return."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pvbench_deliver_kvm.trials", group],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout  # noqa: S101 - a pipe
        told = list(_lines(child.stdout.fileno()))
        child.kill()
    found: dict[str, str] = dict(json.loads(line) for line in told if line.startswith("["))
    left = [name for name in TRIALS[group][2] if name not in found]
    if _BEGUN not in told:
        return found | dict.fromkeys(left, _NO_GUEST)
    found |= dict.fromkeys(left, "what is tried before it does not end")
    return found | dict.fromkeys(left[:1], f"it does not return within {LIMIT_S:g} s")


def _lines(pipe: int) -> Iterator[str]:
    """Whole lines, until there are none or the next one takes too long."""
    begun = b""
    limit_s = START_S
    while select.select([pipe], [], [], limit_s)[0] and (read := os.read(pipe, 65536)):
        *whole, begun = (begun + read).split(b"\n")
        yield from map(bytes.decode, whole)
        limit_s = LIMIT_S


def guest_of(group: str) -> Guest:
    """The guest of the trials of *group*."""
    apic_mode, abi, _ = TRIALS[group]
    return Guest(name="dense:2", apic_ids=(0, 1), apic_mode=apic_mode, hypercall_abi=abi)


def attempts(machine: Machine, group: str) -> Iterator[tuple[str, str]]:
    """(trial, why it does not work or '') one by one, in a guest of `guest_of`."""
    for name, program in TRIALS[group][2].items():
        task = _task(name, program)
        try:
            trace = machine.run(task, loops=LOOPS, warmup=0)
        except PvbenchError as error:
            yield name, str(error)
            return
        yield name, _verdict(task, trace.counts.handlers, trace.faults)


def _task(name: str, program: Program) -> Task:
    vector = NMI_VECTOR if name.endswith("nmi") else _VECTOR
    target = 0 if name.endswith("self") else 1
    return Task(
        bursts=(Burst(source=0, operation="send_IPI_mask", targets=(target,), vector=vector),),
        programs=(program,),
        reached=((target,),),
        program_for=lambda burst, cpus: (),
    )


def _verdict(task: Task, handlers: tuple[int, ...], faults: tuple[str, ...]) -> str:
    if faults:
        return faults[0]
    wanted = [LOOPS if cpu in task.reached[0] else 0 for cpu in range(2)]
    return "" if list(handlers) == wanted else f"the CPUs handled {handlers}, not {wanted}"


def main() -> None:
    """The child: verdicts as they come, one JSON pair a line."""
    from pvbench_deliver_kvm import boot_machine

    group = sys.argv[1]
    settings = {"cpus": [], "wire": True, "patience_s": PATIENCE_S, "software": True}
    try:
        with boot_machine(guest_of(group), settings) as machine:
            print(_BEGUN, flush=True)
            for pair in attempts(machine, group):
                print(json.dumps(pair), flush=True)
    except PvbenchError as error:
        for name in TRIALS[group][2]:
            print(json.dumps((name, str(error))), flush=True)


if __name__ == "__main__":
    main()
