"""
A snapshot: the state of a lab whose agent waits for its first request, in a file.

Each boot of a guest continues a fresh machine from it.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.errors import WorkerError
from pvbench.started_worker import Workers
from pvbench_site_lab.qemu import Machine
from pvbench_site_lab.store import Store, check_space
from pvbench_site_lab.vm import Vm, started

BOOT_S: Final = 600.0  # of the kernel and the agent; slow on a busy host
_SAVE_S: Final = 300.0
_SPACE: Final = 600 << 20  # bytes that a snapshot may have
_UNREADABLE: Final = "migration"  # QEMU says it if it cannot read a snapshot
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

        A snapshot that QEMU cannot read is made anew.

        Raises:
            WorkerError: the machine cannot be started.
            UnavailableError: the snapshot cannot be written.
        """
        with ExitStack() as undo:
            path = self.made(workers)
            try:
                vm = undo.enter_context(_loaded(self.machine, workers, path))
            except WorkerError as error:
                if _UNREADABLE not in error.why:
                    raise
                self.store.remove(self.name)
                vm = undo.enter_context(_loaded(self.machine, workers, self.made(workers)))
            yield vm

    def made(self, workers: Workers) -> Path:
        """The file, made if there is none."""
        return self.store.made(self.name, lambda path: self._make(path, workers))

    def _make(self, path: Path, workers: Workers) -> None:
        check_space(path.parent, _SPACE)
        with started(self.machine, workers) as vm:
            vm.execute("cont")
            deadline = time.monotonic() + BOOT_S
            late = f"the lab does not boot within {BOOT_S:g} s"
            vm.wait(lambda: vm.memory.is_ready, deadline, late)
            vm.execute("stop")
            _save(vm, path)


def _save(vm: Vm, path: Path) -> None:
    """
    Write the state of *vm* to *path*.

    Raises:
        WorkerError: it cannot be written.
    """
    vm.execute("migrate-set-parameters", **{"max-bandwidth": _BANDWIDTH})
    vm.execute("migrate", uri=f"exec:cat > {shlex.quote(str(path))}")
    deadline = time.monotonic() + _SAVE_S
    late = f"the snapshot of the lab is not written within {_SAVE_S:g} s"
    vm.wait(lambda: _migration(vm) in ("completed", "failed"), deadline, late)
    if _migration(vm) == "failed":
        raise WorkerError(
            f"{path.parent} does not take the snapshot of the lab", why=vm.last_message()
        )


def _migration(vm: Vm) -> str:
    status: Any = vm.execute("query-migrate")
    return str(status.get("status"))


@contextmanager
def _loaded(machine: Machine, workers: Workers, snapshot: Path) -> Iterator[Vm]:
    with started(machine, workers, snapshot) as vm:
        deadline = time.monotonic() + _SAVE_S
        vm.wait(lambda: _state(vm) != "inmigrate", deadline, "the snapshot is not loaded")
        yield vm


def _state(vm: Vm) -> str:
    status: Any = vm.execute("query-status")
    return str(status.get("status"))
