"""Interrupts that arrive while interrupts are off, just before a CPU halts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from ctypes import create_string_buffer
from typing import Any

import pytest

from pvbench.delivery import Task
from pvbench.host import facts as host_facts
from pvbench.ops import Burst, Fence, WrMsr
from pvbench.topology import parse_guest
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.vmm import layout, mailbox, uapi, vcpu_threads
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm, booted_vm
from pvbench_deliver_kvm.vmm.vcpu import Vcpu
from pvbench_deliver_kvm.vmm.vcpu_threads import VcpuThread
from support.kvm import start_of

pytestmark = pytest.mark.usefixtures("needs_kvm")

KVM_NMI = 0xAE9A  # _IO(KVMIO, 0x9a)
KVM_GET_VCPU_EVENTS = 0x8040AE9F
KVM_SET_VCPU_EVENTS = 0x4040AEA0
SENT = 0xFB
NMI_VECTOR = 2
STI_HLT = b"\xfb\xf4"
TASK = Task(
    bursts=(Burst(source=0, operation="send_IPI", targets=(1,), vector=0xFB),),
    programs=((Fence(), WrMsr(0x830, 1 << 32 | 0xFB)),),
    reached=((1,),),
    program_for=lambda burst, cpus: (),
)


def strike(guest: GuestVm, cpu: int, rip: int, hit: Callable[[Vcpu], object]) -> None:
    """Do *hit* while *cpu*, which is marked as halted, is at *rip* with interrupts off."""
    guest.commands.wait(
        lambda: guest.memory.cpu(cpu).idle == mailbox.HALTED, 5.0, "become idle"
    )
    vcpu_threads.stop(guest.threads)
    vcpu = guest.vcpus[cpu]
    regs = vcpu.get_regs()
    regs.rip, regs.rflags = rip, 1 << 1
    vcpu.set_regs(regs)
    vcpu.set_mp_state(uapi.KVM_MP_STATE_RUNNABLE)
    hit(vcpu)
    guest.memory.cpu(cpu).idle = mailbox.HALTED
    for other in guest.vcpus:
        other.state.immediate_exit = 0
    guest.threads[:] = [
        VcpuThread(thread.number, thread.vcpu, thread.events, host_cpu=None, niceness=10)
        for thread in guest.threads
    ]
    vcpu_threads.start(guest.threads)


def nmi(vcpu: Vcpu) -> None:
    """An NMI arrives."""
    vcpu.ioctl("KVM_NMI", KVM_NMI)


def deliver_once_more(vcpu: Vcpu) -> None:
    """KVM injects an interrupt whether interrupts are on or off, as QEMU's emulation does."""
    events: Any = create_string_buffer(64)  # struct kvm_vcpu_events
    vcpu.ioctl("KVM_GET_VCPU_EVENTS", KVM_GET_VCPU_EVENTS, events)
    events[8:10] = bytes((1, SENT))  # interrupt.injected, interrupt.nr
    vcpu.ioctl("KVM_SET_VCPU_EVENTS", KVM_SET_VCPU_EVENTS, events)


@pytest.mark.parametrize("behind", [0, 1, 2], ids=["sti", "hlt", "behind-it"])
def test_an_nmi_just_before_hlt_leaves_the_cpu_marked_as_idle(behind: int) -> None:
    """cli does not block NMIs, and sources wait until their targets are idle."""
    image = build.image()
    assert image.count(STI_HLT) == 1
    rip = layout.IMAGE_BASE + image.index(STI_HLT) + behind
    with (
        booted_vm(parse_guest("dense:2"), start_of(image=image, niceness=10)) as guest,
        closing(KvmBootedGuest(guest, execution="ops")) as booted,
    ):
        strike(guest, 1, rip, nmi)
        cpu = guest.memory.cpu(1)
        guest.commands.wait(lambda: bool(cpu.runs[NMI_VECTOR]), 5.0, "take the NMI")
        result = booted.load(TASK).run(loops=3, warmup=0)

    assert (result.faults, result.counts.handlers) == ((), (0, 3))


@pytest.mark.skipif(
    "kvm_intel" in host_facts.facts()["kvm_modules"],
    reason="VMX refuses to enter a guest with such an interrupt, so it cannot come there",
)
def test_an_interrupt_that_is_delivered_twice_is_no_handler_run() -> None:
    """It comes while interrupts are off; the guest counts it apart and halts as before."""
    image = build.image()
    rip = layout.IMAGE_BASE + image.index(STI_HLT)
    with (
        booted_vm(parse_guest("dense:2"), start_of(image=image, niceness=10)) as guest,
        closing(KvmBootedGuest(guest, execution="ops")) as booted,
    ):
        cpu = guest.memory.cpu(1)
        strike(guest, 1, rip, deliver_once_more)
        guest.commands.wait(lambda: cpu.impossible > 0, 5.0, "take the interrupt")
        seen = cpu.runs[SENT], cpu.impossible  # this memory ends with the guest
        result = booted.load(TASK).run(loops=3, warmup=0)

    assert seen == (0, 1)
    assert (result.faults, result.host_faults, result.counts.handlers) == ((), (), (0, 3))
