"""
Threads that spin in user space, each on a CPU of its own, without Python's lock.

pthread_spin_lock(3) on a lock that is taken spins until it is free, and ctypes lets go of
the interpreter's lock meanwhile: no compiler, and no process that could be left behind.
They have the priority of the process: run it under nice(1) to give way to others.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ctypes import byref

from pvbench.errors import UnavailableError

_libc = ctypes.CDLL(None)


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """The calling thread stays on *cpu* until the context is left."""
    before = os.sched_getaffinity(0)
    _pin(cpu)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def spinning(cpus: Iterable[int]) -> Iterator[None]:
    """
    A thread spins on each of *cpus* until the context is left.

    Raises:
        UnavailableError: a CPU cannot be used.
    """
    spinners: list[_Spinner] = []
    try:
        for cpu in cpus:
            spinners.append(_Spinner(cpu))
        for spinner in spinners:
            spinner.await_start()
        yield
    finally:
        for spinner in spinners:
            spinner.end()


class _Spinner:
    """One thread; it spins on a lock that is taken before it starts."""

    def __init__(self, cpu: int) -> None:
        self._lock = ctypes.c_int()  # pthread_spinlock_t
        _libc.pthread_spin_init(byref(self._lock), 0)
        _libc.pthread_spin_lock(byref(self._lock))
        self._started = threading.Event()
        self._error: UnavailableError | None = None
        self._thread = threading.Thread(target=self._spin, args=(cpu,), daemon=True)
        self._thread.start()

    def _spin(self, cpu: int) -> None:
        try:
            _pin(cpu)
        except UnavailableError as error:
            self._error = error
        self._started.set()
        if self._error is None:
            _libc.pthread_spin_lock(byref(self._lock))

    def await_start(self) -> None:
        """Return when it is about to spin."""
        self._started.wait()
        if self._error:
            raise self._error

    def end(self) -> None:
        """Give up the lock: no owner is asked for, so any thread may."""
        _libc.pthread_spin_unlock(byref(self._lock))
        self._thread.join()


def _pin(cpu: int) -> None:
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        why = error.strerror or str(error)
        raise UnavailableError(f"CPU {cpu} cannot be used", why=why) from None
