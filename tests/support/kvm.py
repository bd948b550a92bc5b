"""Builders for tests of real guests: what a process holds, and a KVM that refuses."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.vmm import layout, mailbox
from pvbench_deliver_kvm.vmm.booted_guest import Start
from pvbench_deliver_kvm.vmm.fd import Fd, IoctlError
from pvbench_deliver_kvm.vmm.vcpu_threads import KICK

# How long a guest may make no progress: none may be given up because the host is busy.
PATIENCE_S = 60.0


def process_state() -> tuple[int, int, int, object, int]:
    """Open files, threads, mappings of guests, the handler of KICK, size of new stacks."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    guests = sum("kvm-vcpu" in line or _size_of(line) >= layout.MEMORY_SIZE for line in maps)
    files, handler = len(os.listdir("/proc/self/fd")), signal.getsignal(KICK)
    return files, threading.active_count(), guests, handler, threading.stack_size()


def start_of(**changes: Any) -> Start:
    """The real guest on any host CPU, or with *changes*."""
    fields: dict[str, Any] = {
        "image": build.image(),
        "hypercall_abi": mailbox.HYPERCALL_KVM,
        "cpus": (),
        "patience_s": PATIENCE_S,
    }
    return Start(**(fields | changes))


def _size_of(line: str) -> int:
    first, last = line.split(maxsplit=1)[0].split("-")
    return int(last, 16) - int(first, 16)


def answer(
    monkeypatch: pytest.MonkeyPatch, name: str, give: Callable[[int, Any], int | None]
) -> None:
    """
    Let *give* answer the ioctl *name*, by how often it was called before and its argument.

    What it gives None for, the kernel answers.
    """
    calls, kernel = count(), Fd.ioctl

    def ioctl(self: Fd, called: str, request: int, argument: Any = 0) -> int:
        answer = give(next(calls), argument) if called == name else None
        return kernel(self, called, request, argument) if answer is None else answer

    monkeypatch.setattr(Fd, "ioctl", ioctl)


def refuse(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int, *, after: int = 0, times: int = 99
) -> None:
    """Let the ioctl *name* fail by errno *number* a few *times*, *after* so many calls."""

    def give(calls: int, argument: Any) -> None:
        if after <= calls < after + times:
            raise IoctlError(name, number)

    answer(monkeypatch, name, give)


def refuse_capability(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let KVM_ENABLE_CAP fail for one capability."""
    refuse(monkeypatch, f"KVM_ENABLE_CAP of {name}", errno.EINVAL)
