"""The memory, threads and files that a guest needs, checked before it starts."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError
from pvbench.host.files import read_regular

KIB_PER_GUEST: Final = 16 << 10
FILES_PER_GUEST: Final = 16
FILES_PER_VCPU: Final = 2  # the vCPU and its counters
KIB_PER_VCPU: Final = 1 << 10  # 0.4 to 0.6 MiB were measured, mostly KVM's own
_MEM_AVAILABLE: Final = re.compile(rb"^MemAvailable:\s*([0-9]{1,20}) kB", re.MULTILINE)
_CGROUPS: Final = ("sys/fs/cgroup", "sys/fs/cgroup/pids")  # version 2, version 1


def check(vcpus: int, root: Path = Path("/")) -> None:
    """
    Check that the host has the memory, threads and files that *vcpus* need.

    A limit that cannot be read is ignored.  The soft limit of open files is raised if the
    hard limit allows it.

    Raises:
        UnavailableError: the host has too little of something.
    """
    _check_memory(KIB_PER_GUEST + vcpus * KIB_PER_VCPU, root / "proc/meminfo")
    for name, free in _free_threads(root):
        if free < vcpus:
            raise UnavailableError(
                f"{vcpus} vCPUs need {vcpus} threads",
                why=f"{name} allows {max(free, 0)} more",
                fix="Raise the limit, or use fewer vCPUs.",
            )
    _make_room_for_files(vcpus, root / "proc/self/fd")


def _make_room_for_files(vcpus: int, opened: Path) -> None:
    needed = FILES_PER_GUEST + vcpus * FILES_PER_VCPU
    with suppress(OSError):
        needed += len(os.listdir(opened))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UnavailableError(
            f"{vcpus} vCPUs need {needed} open files",
            why=f"RLIMIT_NOFILE allows {hard}",
            fix="Raise the limit, or use fewer vCPUs.",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _check_memory(needed_kib: int, meminfo: Path) -> None:
    free_kib = _available_kib(meminfo)
    if free_kib is not None and free_kib < needed_kib:
        raise UnavailableError(
            f"the guest may need {needed_kib >> 10} MiB of memory",
            why=f"{free_kib >> 10} MiB are available",
            fix="Use fewer vCPUs.",
        )


def _available_kib(meminfo: Path) -> int | None:
    try:
        match = _MEM_AVAILABLE.search(read_regular(meminfo))
    except OSError:
        return None
    return int(match[1]) if match else None


def _free_threads(root: Path) -> Iterator[tuple[str, int]]:
    """For each limit that exists, its name and how many more threads it allows."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if os.geteuid() and limit != resource.RLIM_INFINITY:  # the limit does not bind root
        yield "RLIMIT_NPROC", limit - _threads_of_user(root / "proc")
    for folder in _cgroup_folders(root):
        with suppress(OSError, ValueError):  # the file says "max" or does not exist
            limit = int(read_regular(folder / "pids.max"))
            yield "pids.max", limit - int(read_regular(folder / "pids.current"))


def _threads_of_user(proc: Path) -> int:
    count = 0
    for process in proc.glob("[0-9]*"):
        with suppress(OSError):  # the process may have ended
            if process.stat().st_uid == os.geteuid():
                count += len(os.listdir(process / "task"))
    return count


def _cgroup_folders(root: Path) -> Iterator[Path]:
    """The cgroups of this process that count tasks, and their parents."""
    with suppress(OSError):
        cgroups = os.fsdecode(read_regular(root / "proc/self/cgroup"))
        for line in cgroups.splitlines():
            _, controllers, path = line.split(":", 2) if line.count(":") > 1 else ("", "?", "")
            if controllers in ("", "pids"):
                base = root / _CGROUPS[controllers == "pids"]
                group = base / path.lstrip("/")
                yield from (group, *(f for f in group.parents if f.is_relative_to(base)))
