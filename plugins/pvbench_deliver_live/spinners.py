"""
Threads that spin in user space, each on its own CPU, without the interpreter's lock.

pthread_spin_lock(3) spins on a taken lock until it is free, and ctypes releases the
interpreter's lock during the call.  That needs no compiler and no child process.  The
threads have the priority of the process: run it under nice(1) to prefer other processes.
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
    """Pin the calling thread to *cpu* in this context."""
    before = os.sched_getaffinity(0)
    _pin(cpu)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def spinning(cpus: Iterable[int]) -> Iterator[None]:
    """
    Run a spinning thread on each of *cpus* in this context.

    Raises:
        UnavailableError: this process may not use a CPU.
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
    """One thread that spins on a lock, which is taken before the thread starts."""

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
        """Wait until the thread is about to spin."""
        self._started.wait()
        if self._error:
            raise self._error

    def end(self) -> None:
        """Release the lock, which any thread may do since it has no owner, and join."""
        _libc.pthread_spin_unlock(byref(self._lock))
        self._thread.join()


def _pin(cpu: int) -> None:
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        why = error.strerror or str(error)
        raise UnavailableError(f"CPU {cpu} cannot be used", why=why) from None
