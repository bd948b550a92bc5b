"""The command line of QEMU: two guests differ in ``kvm-pv-ipi`` only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench_deliver_linux.settings import Files

# QEMU's options for what an idle vCPU does: it halts, which exits, or it waits by MWAIT
# without an exit.
IDLE: Final[dict[str, tuple[str, ...]]] = {
    "halted": (),
    "polling": ("-overcommit", "cpu-pm=on"),
}
_MEMORY_MB: Final = 320
_VCPU_MB: Final = 6
_PARAMETERS: Final = ("console=ttyS0", "quiet", "panic=-1")  # its end is the end of QEMU


@attrs.frozen(kw_only=True)
class Channels:
    """
    File descriptors that QEMU inherits.

    Args:
        console: a file for what the kernel prints.
        control: a socket, the second serial port of the guest.
        monitor: a socket of QMP.
    """

    console: int
    control: int
    monitor: int


@attrs.frozen(kw_only=True)
class Machine:
    """
    A virtual machine.

    Args:
        initramfs: its first file system.
        kernel: a vmlinux with a PVH entry, or a bzImage.
        linux: the era of its kernel.
        has_pv_ipi: KVM offers its PV IPIs to the guest.
        idle: what an idle vCPU does, from `IDLE`.
        accelerator: of QEMU.
        processor: the model that it shows to the guest.
    """

    files: Files
    initramfs: Path
    kernel: Path
    linux: LinuxEra
    guest: Guest
    has_pv_ipi: bool
    idle: str
    accelerator: str = "kvm"
    processor: str = "host"

    def command(self, channels: Channels) -> list[str]:
        """The words that start it."""
        vcpus = len(self.guest.apic_ids)
        return [
            *self.files.command,
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
            *("-accel", self.accelerator, "-cpu", self._cpu, *IDLE[self.idle]),
            *("-m", f"{_MEMORY_MB + _VCPU_MB * vcpus}M", "-smp", str(vcpus)),
            *("-kernel", str(self.kernel), "-initrd", str(self.initramfs)),
            *("-append", " ".join(self._parameters)),
            *("-chardev", f"file,id=console,path=/proc/self/fd/{channels.console}"),
            *("-serial", "chardev:console"),
            *("-chardev", f"socket,id=control,fd={channels.control}"),
            *("-serial", "chardev:control"),
            *("-chardev", f"socket,id=monitor,fd={channels.monitor}"),
            *("-mon", "chardev=monitor,mode=control"),
        ]

    @property
    def _parameters(self) -> tuple[str, ...]:
        if self.linux.no_ipi_broadcast:
            return *_PARAMETERS, "no_ipi_broadcast=1"
        return _PARAMETERS

    @property
    def _cpu(self) -> str:
        features = [f"kvm-pv-ipi={'on' if self.has_pv_ipi else 'off'}"]
        if self.guest.apic_mode == "xapic":
            features.append("x2apic=off")
        return ",".join([self.processor, *features])
