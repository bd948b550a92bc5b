"""A QEMU process of a lab.  It leaves no files and ends with the process that started it."""

from __future__ import annotations

import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench import notices
from pvbench.errors import WorkerError
from pvbench.qemu.outputs import last_line_of, memory_file, panic_in, text_of
from pvbench.qemu.qmp import Qmp
from pvbench.started_worker import Workers
from pvbench.text import one_line
from pvbench_site_lab.inside.init import REASON
from pvbench_site_lab.qemu import Channels, Machine
from pvbench_site_lab.shared_memory import SIZE, SharedMemory

_STARTER: Final = Path(__file__).with_name("start_qemu.py")
_POLL_S: Final = 0.005
_REFUSED_S: Final = 1.0  # until QEMU ends because of what it refused
_CLOSED_S: Final = 60.0  # until it ends after it closed its monitor
_SHOWN: Final = 10  # lines of a console
_REASON: Final = re.compile(rf"{REASON} (.*)")


@attrs.frozen(eq=False)
class Vm:
    """
    A running QEMU, whose machine is stopped at first.

    Args:
        memory: the channel to the agent.
        console: a file with what the kernel prints.
        messages: a file with what QEMU prints.
        is_continued: it continues a snapshot.
    """

    process: subprocess.Popen[bytes]
    monitor: Qmp
    memory: SharedMemory
    console: int
    messages: int
    is_continued: bool

    def wait(self, is_over: Callable[[], bool], deadline: float, what: str) -> None:
        """
        Wait until *is_over*.

        Raises:
            WorkerError: QEMU ends before, or *deadline* of the monotonic clock passes; then
                *what* takes too long.
        """
        while not is_over():
            if self.process.poll() is not None and not is_over():
                raise self.failure()
            if time.monotonic() > deadline:
                raise WorkerError(what, why=self.last_line())
            time.sleep(_POLL_S)

    def execute(self, command: str, **arguments: object) -> object:
        """
        A command of QMP.

        Raises:
            WorkerError: QEMU refuses it, or QEMU has ended, and why.
        """
        try:
            return self.monitor.execute(command, **arguments)
        except WorkerError as error:
            raise self.failure_after(error) from None

    def failure_after(self, error: WorkerError) -> WorkerError:
        """Why QEMU has ended after *error* of its monitor; *error* itself if it has not."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_REFUSED_S if self.monitor.is_open else _CLOSED_S)
        return error if self.process.poll() is None else self.failure()

    def failure(self) -> WorkerError:
        """Why QEMU has ended."""
        status, console = self.process.wait(), self.console_text()
        if (panic := panic_in(console)) is not None:
            return WorkerError("the kernel of the lab panics", why=panic)
        if match := _REASON.search(console):
            return WorkerError("the lab cannot go on", why=one_line(match[1]))
        if status < 0:
            name = signal.Signals(-status).name
            return WorkerError(f"the QEMU of the lab was ended by {name}")
        messages = self.messages_text()
        reason = last_line_of(messages) or f"its status is {status}, and it printed nothing"
        return WorkerError("the QEMU of the lab ended", why=reason, fix=_fix_of(messages))

    def console_text(self) -> str:
        """What the kernel has printed."""
        return text_of(self.console)

    def last_line(self) -> str:
        """The last line of the console; '' if it is empty."""
        return last_line_of(self.console_text())

    def messages_text(self) -> str:
        """What QEMU and the programs that it has started have printed."""
        return text_of(self.messages)

    @contextmanager
    def showing_console(self) -> Iterator[None]:
        """Print the end of the console after an error; all of it if the user wants that."""
        try:
            yield
        except WorkerError:
            if not notices.is_verbose() and self.process.poll() != -signal.SIGKILL:
                _print_console(self.console_text().splitlines()[-_SHOWN:])
            raise
        finally:
            if notices.is_verbose():
                since = "since its snapshot" if self.is_continued else "since its start"
                nothing = f"the machine has printed nothing {since}"
                _print_console(self.console_text().splitlines() or [nothing])


def _print_console(lines: Iterable[str]) -> None:
    for line in lines:
        notices.say(f"console: {line}")


def _fix_of(messages: str) -> str:
    if "bios" in messages:
        return "Install SeaBIOS: apt-get install seabios."
    return "Free some memory." if "allocate memory" in messages else ""


@contextmanager
def started(machine: Machine, workers: Workers, incoming: int | None = None) -> Iterator[Vm]:
    """
    Start the QEMU of *machine*, and kill it at the end.

    Args:
        machine: what it emulates.
        workers: the processes of its session.
        incoming: a descriptor of the snapshot that it continues.

    Raises:
        WorkerError: it cannot be started.
    """
    with ExitStack() as undo:
        memory, console, messages = (
            memory_file(name, undo) for name in ("memory", "console", "messages")
        )
        os.ftruncate(memory, SIZE)
        ours, theirs = socket.socketpair()
        undo.enter_context(ours)
        channels = Channels(memory=memory, console=console, monitor=theirs.fileno())
        with theirs:
            process = _process(machine.command(channels, incoming), channels, messages)
        undo.callback(_end, process)
        undo.enter_context(workers.holding(process))
        monitor = Qmp(ours)
        undo.callback(monitor.close)
        shared = SharedMemory(undo.enter_context(mmap.mmap(memory, SIZE)))
        is_continued = incoming is not None
        vm = Vm(process, monitor, shared, console, messages, is_continued)
        with vm.showing_console():
            _greet(vm)
            yield vm


def _process(command: list[str], channels: Channels, messages: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_STARTER), str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
            pass_fds=attrs.astuple(channels),
            start_new_session=True,  # SIGINT of a terminal is for the manager
        )
    except OSError as error:
        raise WorkerError("QEMU cannot be started", why=str(error.strerror)) from None


def _greet(vm: Vm) -> None:
    try:
        vm.monitor.greet()
    except WorkerError as error:
        raise vm.failure_after(error) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
