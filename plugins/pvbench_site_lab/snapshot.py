"""
A snapshot: the state of a lab whose agent waits for its first request, in a file.

Each boot of a guest continues a fresh machine from it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench import notices
from pvbench.errors import HangError, WorkerError
from pvbench.qemu.outputs import last_line_of
from pvbench.started_worker import Workers
from pvbench_site_lab.boot_watch import BootWatch, use_of
from pvbench_site_lab.qemu import Machine
from pvbench_site_lab.store import Store, check_space
from pvbench_site_lab.vm import Vm, started

BOOT_S: Final = 1800.0  # for a machine that gets on; slow on a busy host
_SAVE_S: Final = 300.0
_SPACE: Final = 600 << 20  # bytes that a snapshot may have
_ENDS: Final = ("completed", "failed")  # states of a migration
_CAT: Final = "pvbench: cat ended with status "  # QEMU ignores it; the last block may be lost
_STATUS: Final = re.compile(rf"^{_CAT}(\d+)$", re.MULTILINE)
_BANDWIDTH: Final = 1 << 40  # bytes a second: no limit


@attrs.frozen
class Snapshot:
    """
    The snapshot of a machine.

    Args:
        content_key: of kernel and initramfs, with a space between them.
    """

    machine: Machine
    content_key: str
    store: Store

    @property
    def key(self) -> str:
        """Changes with all that it depends on."""
        text = json.dumps([self.machine.identity, self.content_key])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"snapshot-{self.content_key.partition(' ')[0]}-{self.key}"

    @contextmanager
    def continued(self, workers: Workers) -> Iterator[Vm]:
        """
        A fresh machine, stopped where the snapshot was taken, among *workers*.

        Raises:
            WorkerError: the machine cannot be started.
            UnavailableError: the snapshot cannot be written.
        """
        with ExitStack() as undo:
            file = undo.enter_context(self.opened(workers))
            try:
                vm = undo.enter_context(_loaded(self.machine, workers, file))
            except WorkerError:
                if self.store.is_intact(self.name):
                    raise
                file = undo.enter_context(self.opened(workers))
                vm = undo.enter_context(_loaded(self.machine, workers, file))
            yield vm

    @contextmanager
    def written_or_continued(self, workers: Workers) -> Iterator[Vm]:
        """
        The machine that has just written the snapshot, or `continued` if there is one.

        Both are in the same state.  The first has translated the agent's code already.

        Raises:
            WorkerError, UnavailableError: as for `continued`.
        """
        with ExitStack() as undo:
            writers: list[Vm] = []

            def make(path: Path) -> None:
                writers.append(undo.enter_context(self._written(path, workers)))

            undo.enter_context(self.store.opened(self.name, make))
            yield writers[0] if writers else undo.enter_context(self.continued(workers))

    def opened(self, workers: Workers) -> AbstractContextManager[int]:
        """A descriptor of its file, which is made if there is none or if it is damaged."""

        def make(path: Path) -> None:
            with self._written(path, workers):
                pass

        return self.store.opened(self.name, make)

    @contextmanager
    def _written(self, path: Path, workers: Workers) -> Iterator[Vm]:
        """A machine that has booted, is stopped, and has written its state to *path*."""
        check_space(path.parent, _SPACE)
        with ExitStack() as undo:
            try:
                vm = undo.enter_context(_booted(self.machine, workers))
            except HangError as error:
                notices.say(f"{error}; it is started once more")
                vm = undo.enter_context(_booted(self.machine, workers))
            vm.execute("stop")
            _save(vm, path)
            yield vm


@contextmanager
def _booted(machine: Machine, workers: Workers) -> Iterator[Vm]:
    """
    A machine whose agent is ready.

    Raises:
        HangError: it does not get on.
        WorkerError: it does not boot.
    """
    with started(machine, workers) as vm:
        watch = BootWatch(lambda: use_of(vm.process.pid), machine.cpus)

        def is_ready() -> bool:
            watch.check()
            return vm.memory.is_ready

        vm.execute("cont")
        late = f"the lab does not boot within {BOOT_S:g} s"
        vm.wait(is_ready, time.monotonic() + BOOT_S, late)
        yield vm


def _save(vm: Vm, path: Path) -> None:
    """
    Write the state of *vm* to *path*.

    Raises:
        WorkerError: it cannot be written.
    """
    vm.execute("migrate-set-parameters", **{"max-bandwidth": _BANDWIDTH})
    command = f"cat > {shlex.quote(str(path))}; echo {_CAT}$? >&2"
    vm.execute("migrate", uri=f"exec:{command}")
    deadline = time.monotonic() + _SAVE_S
    late = f"the snapshot of the lab is not written within {_SAVE_S:g} s"
    vm.wait(lambda: _migration(vm) in _ENDS and bool(_cat_status(vm)), deadline, late)
    if (_migration(vm), _cat_status(vm)) != ("completed", "0"):
        reason = last_line_of(_STATUS.sub("", vm.messages_text()))
        raise WorkerError(
            f"{path.parent} does not take the snapshot of the lab",
            why=reason or "QEMU does not say why",
        )


def _cat_status(vm: Vm) -> str:
    """The exit status of the program that writes the snapshot; '' until it has ended."""
    match = _STATUS.search(vm.messages_text())
    return match[1] if match else ""


def _migration(vm: Vm) -> str:
    status: Any = vm.execute("query-migrate")
    return str(status.get("status"))


@contextmanager
def _loaded(machine: Machine, workers: Workers, file: int) -> Iterator[Vm]:
    with started(machine, workers, file) as vm:
        deadline = time.monotonic() + _SAVE_S
        vm.wait(lambda: _state(vm) != "inmigrate", deadline, "the snapshot is not loaded")
        yield vm


def _state(vm: Vm) -> str:
    status: Any = vm.execute("query-status")
    return str(status.get("status"))
