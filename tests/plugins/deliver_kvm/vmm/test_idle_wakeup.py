"""A CPU that halts is marked as idle, whatever interrupt arrives just before."""

from __future__ import annotations

from contextlib import closing

import pytest

from pvbench.delivery import Task
from pvbench.ops import Burst, Fence, WrMsr
from pvbench.topology import parse_guest
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.vmm import layout, mailbox, uapi, vcpu_threads
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm, booted_vm
from pvbench_deliver_kvm.vmm.vcpu_threads import VcpuThread
from support.kvm import start_of

pytestmark = pytest.mark.usefixtures("needs_kvm")

KVM_NMI = 0xAE9A  # _IO(KVMIO, 0x9a)
NMI_VECTOR = 2
STI_HLT = b"\xfb\xf4"
TASK = Task(
    bursts=(Burst(source=0, operation="send_IPI", targets=(1,), vector=0xFB),),
    programs=((Fence(), WrMsr(0x830, 1 << 32 | 0xFB)),),
    reached=((1,),),
    program_for=lambda burst, cpus: (),
)


def strike(guest: GuestVm, cpu: int, rip: int) -> None:
    """Let an NMI arrive while *cpu*, which is marked as halted, is at *rip*."""
    guest.commands.wait(
        lambda: guest.memory.cpu(cpu).idle == mailbox.HALTED, 5.0, "become idle"
    )
    vcpu_threads.stop(guest.threads)
    vcpu = guest.vcpus[cpu]
    regs = vcpu.get_regs()
    regs.rip, regs.rflags = rip, 1 << 1  # interrupts are off
    vcpu.set_regs(regs)
    vcpu.set_mp_state(uapi.KVM_MP_STATE_RUNNABLE)
    vcpu.ioctl("KVM_NMI", KVM_NMI)
    guest.memory.cpu(cpu).idle = mailbox.HALTED
    for other in guest.vcpus:
        other.state.immediate_exit = 0
    guest.threads[:] = [
        VcpuThread(thread.number, thread.vcpu, thread.events, host_cpu=None, niceness=10)
        for thread in guest.threads
    ]
    vcpu_threads.start(guest.threads)
    guest.commands.wait(
        lambda: bool(guest.memory.cpu(cpu).runs[NMI_VECTOR]), 5.0, "take the NMI"
    )


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
        strike(guest, 1, rip)
        result = booted.load(TASK).run(loops=3, warmup=0)

    assert (result.faults, result.counts.handlers) == ((), (0, 3))
