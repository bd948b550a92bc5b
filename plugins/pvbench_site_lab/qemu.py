"""The command line of QEMU for a lab; nothing in it depends on the host at run time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import attrs

from pvbench_site_lab.address import ICOUNT
from pvbench_site_lab.shared_memory import SIZE

PROGRAM: Final = "qemu-system-x86_64"

# One instruction takes 2 ns of virtual time; idle time passes at once.
_ICOUNT: Final = "shift=1,sleep=off"
_BOARD: Final = "pc,hpet=off"  # no driver that measures the rate of a timer
# Nothing of it is random.  With ERMS Linux clears memory byte by byte, and each byte is an
# instruction of the emulator; without it, eight bytes at a time.
_PROCESSOR: Final = "max,-rdrand,-rdseed,-erms"
_MEMORY_MB: Final = {1: 768}
_MEMORY_SMP_MB: Final = 1024
_PARAMETERS: Final = (
    # no decompression of the kernel elsewhere, no addresses that differ
    *("nokaslr", "norandmaps", "mitigations=off"),
    *("quiet", "loglevel=3", "console=ttyS0"),
    # the end of a panic is the end of QEMU
    "panic=-1",
    # no tests of ciphers, and no random numbers from jitter: nothing here uses them
    *("cryptomgr.notests=1", "initcall_blacklist=jent_mod_init"),
    # an emulated timer may be late on a busy host
    *("nowatchdog", "tsc=reliable", "no_timer_check"),
    # results must not depend on the guests before
    "kvm.halt_poll_ns=0",
    # a sender ends before the time slice of its thread, without waiting longer than it must
    "sysctl.kernel.sched_rr_timeslice_ms=8",
    # the interpreter
    *("PYTHONHOME=/", "PYTHONPATH=/py", "PYTHONHASHSEED=0", "LD_LIBRARY_PATH=/lib"),
    *("XDG_CACHE_HOME=/cache", "PATH=/bin"),
    "rdinit=/bin/python",
    *("--", "-S", "-B", "-P", "-m", "pvbench_site_lab.inside.init"),
)


@attrs.frozen(kw_only=True)
class Channels:
    """
    File descriptors that QEMU inherits.

    Args:
        memory: a file for the shared memory.
        console: a file for what the kernel prints.
        monitor: a socket of QMP.
    """

    memory: int
    console: int
    monitor: int


@attrs.frozen(kw_only=True)
class Machine:
    """
    An emulated machine.

    Args:
        program: QEMU.
        kernel: a vmlinux with a PVH entry, or a bzImage.
        initramfs: its first file system.
        clock: see `pvbench_site_lab.address.Address`.
    """

    program: Path
    kernel: Path
    initramfs: Path
    clock: str
    cpus: int

    def command(self, channels: Channels, incoming: int | None = None) -> list[str]:
        """
        The command that starts it, stopped.

        Args:
            channels: what it inherits.
            incoming: a descriptor of this process, of a snapshot to continue.
        """
        memory = _MEMORY_MB.get(self.cpus, _MEMORY_SMP_MB)
        command = [
            str(self.program),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-S"),
            *("-machine", _BOARD, "-cpu", _PROCESSOR, "-seed", "1"),
            *("-m", f"{memory}M", "-smp", str(self.cpus)),
            *self._clock(),
            *("-kernel", str(self.kernel), "-initrd", str(self.initramfs)),
            *("-append", " ".join(_PARAMETERS)),
            *("-chardev", f"file,id=console,path=/proc/self/fd/{channels.console}"),
            *("-serial", "chardev:console"),
            *("-chardev", f"socket,id=monitor,fd={channels.monitor}"),
            *("-mon", "chardev=monitor,mode=control"),
            "-object",
            f"memory-backend-file,id=shared,share=on,size={SIZE},"
            f"mem-path=/proc/self/fd/{channels.memory}",
            *("-device", "ivshmem-plain,memdev=shared,master=on"),
        ]
        if incoming is not None:
            command += ["-incoming", f"exec:cat /proc/{os.getpid()}/fd/{incoming}"]
        return command

    def _clock(self) -> tuple[str, ...]:
        """Virtual time counts instructions, or it is the host's."""
        if self.clock == ICOUNT:
            rtc = "base=2026-01-01T00:00:00,clock=vm"
            return "-accel", "tcg", "-icount", _ICOUNT, "-rtc", rtc
        return "-accel", "tcg,thread=multi", "-rtc", "base=2026-01-01T00:00:00"

    @property
    def identity(self) -> list[object]:
        """What a snapshot of it depends on, besides the contents of kernel and initramfs."""
        status = self.program.stat()
        arguments = self.command(Channels(memory=0, console=0, monitor=0))[1:]
        files = (str(self.kernel), str(self.initramfs))
        return [
            *(str(self.program.resolve()), status.st_size, status.st_mtime_ns),
            *(argument for argument in arguments if argument not in files),
        ]
