"""
The first process of a lab: mount file systems, load modules, and become the agent.

The kernel starts it as ``python -m pvbench_site_lab.inside.init``.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import struct
from pathlib import Path
from typing import Final, NoReturn

# The host reads the reason for the end of a lab after this word on the console.
REASON: Final = "pvbench-lab:"
_SYS_FINIT_MODULE: Final = {"x86_64": 313}  # <asm/unistd_64.h>
_RB_POWER_OFF: Final = 0x4321FEDC  # <sys/reboot.h>
_RNDADDENTROPY: Final = 0x40085203  # <linux/random.h>
_SEED: Final = bytes(range(32))
_MODULES: Final = Path("/mod")
_RANDOM: Final = Path("/dev/random")
_CMDLINE: Final = Path("/proc/cmdline")
_KVM: Final = Path("/dev/kvm")
_MOUNTS: Final = {
    "proc": "/proc",
    "sysfs": "/sys",
    "devtmpfs": "/dev",
    "tmpfs": "/tmp",  # noqa: S108 - of this machine alone
    "tracefs": "/sys/kernel/tracing",
}
_libc: Final = ctypes.CDLL(None, use_errno=True)


def main() -> NoReturn:
    """Serve requests until the host ends the machine."""
    try:
        for kind, path in _MOUNTS.items():
            _mount(kind, path)
        _seed()
        for module in sorted(_MODULES.iterdir()):
            _load(module)
        if not _KVM.exists():
            raise OSError("the kernel has no /dev/kvm, so its KVM does not work here")
        from pvbench_site_lab.inside.agent import serve  # needs /proc and /tmp

        serve()
    except BaseException as error:  # the machine ends with its first process
        _say(f"{error}" if isinstance(error, OSError) else f"{type(error).__name__}: {error}")
    _libc.reboot(_RB_POWER_OFF)
    os._exit(1)


def _mount(kind: str, path: str) -> None:
    """Mount a file system; one that the kernel lacks is missed where it is used."""
    if _libc.mount(kind.encode(), path.encode(), kind.encode(), 0, None):
        print(f"{kind} is not mounted: {os.strerror(ctypes.get_errno())}", flush=True)


def _seed() -> None:
    """
    Give the kernel random numbers to start from.

    Without them the first process that needs some waits for a second, in which the kernel
    executes loops and observes its timer.  They are the same in every lab, as all else is.
    """
    with _RANDOM.open("wb") as file:
        bits = 8 * len(_SEED)
        entropy = struct.pack(f"ii{len(_SEED)}s", bits, len(_SEED), _SEED)
        fcntl.ioctl(file, _RNDADDENTROPY, entropy)


def _load(module: Path) -> None:
    """Load *module*, whose file is ``NUMBER-NAME.ko``."""
    name = module.stem.partition("-")[2]
    file = os.open(module, os.O_RDONLY)
    number = _SYS_FINIT_MODULE[platform.machine()]
    if _libc.syscall(number, file, _parameters_of(name).encode(), 0):
        reason = os.strerror(ctypes.get_errno())
        raise OSError(f"module {name} cannot be loaded: {reason}")
    os.close(file)


def _parameters_of(module: str) -> str:
    """The parameters of *module* on the kernel's command line."""
    words = _CMDLINE.read_text().split()
    return " ".join(word[len(module) + 1 :] for word in words if word.startswith(f"{module}."))


def _say(reason: str) -> None:
    print(f"{REASON} {reason}", flush=True)


if __name__ == "__main__":
    main()
