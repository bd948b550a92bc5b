"""Builders for tests of the live delivery: a fake machine in a folder."""

from __future__ import annotations

from pathlib import Path

from pvbench.ops import Burst
from pvbench.run.prepared import Prepared, prepare
from pvbench.testing.cases import case_of
from pvbench.topology import parse_guest
from support.helpers import stack_of

# CPU 2 is offline.
INTERRUPTS = """\
            CPU0       CPU1       CPU3
  24:          1          0          0  IO-APIC   5-edge      CAL: of a device
 RES:         11         12         13  Rescheduling interrupts
 CAL:       1759        754          5  Function call interrupts
 TLB:          9          9          9  TLB shootdowns
 ERR:          0
"""
CPUINFO = "".join(
    f"processor\t: {number}\napicid\t\t: {apic_id}\nflags\t\t: fpu apic {{flags}}\n\n"
    for number, apic_id in ((0, 0), (1, 2), (3, 6))
)
THREE = "ids:0,2,6"
# Of some 50 us: on a busy machine source and target seldom run at the same time.
SPARE_ATTEMPTS = 1_000_000
KMSG = """\
5,0,0,-;Linux version 6.18.44 (builder@there)
6,106,249624,-;x2apic enabled
6,107,250194,-;APIC: Switched APIC routing to: physical x2apic
 SUBSYSTEM=acpi
6,110,250205,-;kvm-guest: setup PV IPIs
"""


def fake_machine(
    root: Path,
    *,
    interrupts: str = INTERRUPTS,
    kmsg: str | None = KMSG,
    flags: str = "x2apic hypervisor",
) -> Path:
    """A machine of CPUs 0, 1 and 3 below *root*."""
    (root / "proc").mkdir()
    (root / "dev").mkdir()
    (root / "proc/interrupts").write_text(interrupts)
    (root / "proc/cpuinfo").write_text(CPUINFO.format(flags=flags))
    if kmsg is not None:
        (root / "dev/kmsg").write_text(kmsg)
    return root


def prepared_case(
    *bursts: Burst, guest: str = THREE, sender: str = "kernel", state: str = "running"
) -> Prepared:
    """A case for it, statically checked."""
    stack = stack_of(sender)
    return prepare(case_of(stack, parse_guest(guest), *bursts, target_state=state))


def call(*targets: int, source: int = 0) -> Burst:
    """A call that the delivery can carry."""
    return Burst(source=source, operation="smp_call_function_many", targets=targets)
