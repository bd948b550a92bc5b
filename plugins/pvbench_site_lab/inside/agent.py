"""
The agent in a lab: it forks a process for each request that the host writes into memory.

The modules of the delivery are imported before the host takes its snapshot, so a request
finds them in memory.
"""

from __future__ import annotations

import gc
import io
import mmap
import os
import time
from importlib import import_module
from pathlib import Path
from typing import IO, Final, NoReturn, cast

from pvbench.errors import UnavailableError
from pvbench.host import pv_ipi_abi
from pvbench.protocol import Describe, decode
from pvbench.text import text_of
from pvbench_site_lab import traced
from pvbench_site_lab.inside import held_vm, profile
from pvbench_site_lab.shared_memory import SIZE, AnswerStream, SharedMemory

MODULES: Final = Path("/modules")  # the names of the modules to import, one a line
_DEVICES: Final = Path("/sys/bus/pci/devices")
_IVSHMEM: Final = ("0x1af4", "0x1110")  # vendor and device of PCI
_POLL_S: Final = 0.02


def serve() -> NoReturn:
    """Answer requests one after another."""
    for name in MODULES.read_text().split():
        import_module(name)
    pv_ipi_abi.write_with(write_pv_ipi_abi)  # no other guests run here
    memory = _memory()
    if (os.cpu_count() or 1) > 1:
        held_vm.hold_vm()
    gc.collect()
    gc.freeze()
    memory.set_ready()
    while True:
        while (request := memory.request()) is None:
            time.sleep(_POLL_S)
        _, status = os.waitpid(forked(request, memory), 0)
        memory.finish(status)


def write_pv_ipi_abi(value: str) -> None:
    """
    Let the KVM of this machine serve another ABI.

    Raises:
        UnavailableError: the kernel refuses the value.
    """
    try:
        pv_ipi_abi.PARAMETER.write_text(value)
    except OSError as error:
        raise UnavailableError(
            f"the kernel of the lab refuses {value} for kvm.pv_ipi_abi",
            why=str(error.strerror or error),
        ) from None


def _memory() -> SharedMemory:
    """
    The memory of the device ivshmem, mapped without a driver.

    Raises:
        OSError: the machine has no such device.
    """
    for device in sorted(_DEVICES.iterdir()):
        identity = tuple((device / name).read_text().strip() for name in ("vendor", "device"))
        if identity == _IVSHMEM:
            (device / "enable").write_text("1")
            file = os.open(device / "resource2", os.O_RDWR)
            return SharedMemory(mmap.mmap(file, SIZE))
    raise OSError("the machine has no device ivshmem")


def forked(request: str, memory: SharedMemory) -> int:
    """A child process that answers *request*."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        answer(request, cast("IO[str]", AnswerStream(memory)))
        status = 0
    except BaseException as error:  # the host shows the last line of the console
        print(text_of(error), flush=True)
    finally:
        os._exit(status)


def answer(request: str, reports: IO[str]) -> None:
    """Do what *request* asks for, and say which functions ran if it asks for that too."""
    names, line = traced.split(request)
    if names is None:
        _answer(line, reports)
    else:
        recorded = profile.recorded(names, lambda: _answer(line, reports))
        reports.write(traced.line_of(recorded))


def _answer(request: str, reports: IO[str]) -> None:
    """Do what *request*, a line of the protocol, asks for."""
    if isinstance(decode(request), Describe):
        from pvbench import describe

        describe.answer(io.StringIO(request), reports)
    else:
        from pvbench.run import worker

        worker.answer(io.StringIO(request), reports, lambda job: job)
