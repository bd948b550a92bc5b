"""A QEMU process with a Linux guest.  It leaves no files and ends with its worker."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import attrs

from pvbench.end_with_parent import terminated_with_parent
from pvbench.errors import WorkerError
from pvbench.qemu.outputs import last_line_of, memory_file, panic_in, text_of
from pvbench.qemu.qmp import Qmp
from pvbench_deliver_linux.control import Control
from pvbench_deliver_linux.machine import Channels, Machine
from pvbench_deliver_linux.vcpus import Vcpus

_END_S: Final = 5.0  # until QEMU ends by itself


@attrs.frozen(eq=False)
class RunningGuest:
    """
    A Linux guest that waits for programs.

    Args:
        facts: what it says about itself.
    """

    control: Control
    vcpus: Vcpus
    facts: dict[str, str]


@attrs.frozen
class _Outputs:
    """Files with what the guest's kernel and QEMU print."""

    process: subprocess.Popen[bytes]
    console: int
    messages: int

    def failure(self) -> WorkerError:
        """Why the guest says no more."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_S)
        console = text_of(self.console)
        if (panic := panic_in(console)) is not None:
            return WorkerError("the kernel of the guest panics", why=panic)
        reason = last_line_of(text_of(self.messages)) or last_line_of(console)
        return WorkerError("the QEMU of the guest ended", why=reason or "it printed nothing")


@contextmanager
def running(machine: Machine, cpus: tuple[int, ...]) -> Iterator[RunningGuest]:
    """
    Boot *machine* with its vCPUs on *cpus*, and kill it at the end.

    Raises:
        WorkerError: it does not boot.
    """
    with ExitStack() as undo:
        console, messages = (memory_file(name, undo) for name in ("console", "messages"))
        control, far_control = map(undo.enter_context, socket.socketpair())
        monitor, far_monitor = map(undo.enter_context, socket.socketpair())
        channels = Channels(
            console=console, control=far_control.fileno(), monitor=far_monitor.fileno()
        )
        process = _started(machine.command(channels), channels, messages)
        undo.callback(_end, process)
        far_control.close()
        far_monitor.close()
        outputs = _Outputs(process, console, messages)
        lines, qmp = Control(control, outputs.failure), Qmp(monitor)
        undo.callback(lines.close)
        undo.callback(qmp.close)
        yield _booted(outputs, lines, qmp, cpus)


def _booted(
    outputs: _Outputs, lines: Control, monitor: Qmp, cpus: tuple[int, ...]
) -> RunningGuest:
    """The guest, when it waits for programs; its vCPUs are pinned while it boots."""
    try:
        monitor.greet()
    except WorkerError:
        raise outputs.failure() from None
    vcpus = Vcpus.of(outputs.process.pid, monitor)
    vcpus.pin(cpus)
    return RunningGuest(lines, vcpus, lines.facts())


def _started(command: list[str], channels: Channels, messages: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
            pass_fds=attrs.astuple(channels),
            start_new_session=True,  # SIGINT of a terminal is for the manager
            preexec_fn=terminated_with_parent(),  # noqa: PLW1509 - the worker has one thread
        )
    except OSError as error:
        raise WorkerError("QEMU cannot be started", why=str(error.strerror)) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
