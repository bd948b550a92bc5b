"""
How the host schedules the threads of vCPUs.

Source: sched(7), sched_setattr(2); Linux, kernel/sched/fair.c.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ctypes import Structure, c_int32, c_long, c_uint32, c_uint64, sizeof
from typing import Final

from pvbench.errors import UnavailableError

SLICE_NS: Final = 5_000_000  # sends of 127 IPIs take 1 ms
_NR_SETATTR: Final = 314  # x86-64
_NR_GETATTR: Final = 315

_syscall = ctypes.CDLL(None, use_errno=True).syscall


class sched_attr(Structure):  # noqa: N801 - the kernel's name
    """The first version of the struct."""

    _fields_ = [
        ("size", c_uint32),
        ("sched_policy", c_uint32),
        ("sched_flags", c_uint64),
        ("sched_nice", c_int32),
        ("sched_priority", c_uint32),
        ("sched_runtime", c_uint64),
        ("sched_deadline", c_uint64),
        ("sched_period", c_uint64),
    ]


def get_attr(thread: int) -> sched_attr:
    """
    See sched_getattr(2).

    Raises:
        UnavailableError: the kernel refuses it.
    """
    attr = sched_attr()
    size = sizeof(attr)
    _call(_NR_GETATTR, thread, ctypes.byref(attr), size)
    return attr


def set_attr(thread: int, attr: sched_attr) -> None:
    """
    See sched_setattr(2).

    Raises:
        UnavailableError: the kernel refuses it.
    """
    _call(_NR_SETATTR, thread, ctypes.byref(attr))


def _call(number: int, thread: int, *arguments: object) -> None:
    arguments = (*arguments, c_long(0))
    if _syscall(c_long(number), c_long(thread), *arguments):
        raise UnavailableError(
            "the scheduling policy of a vCPU thread cannot be changed",
            why=os.strerror(ctypes.get_errno()),
        )


@contextmanager
def uninterrupted(threads: Iterable[int]) -> Iterator[str]:
    """
    Let none of *threads* preempt another when it is woken; yield the policy in words.

    A thread of SCHED_BATCH does not do so, but where the scheduler is EEVDF it does as
    soon as the other thread's slice, of 0.7 ms on one CPU, is over.  Linux takes the
    length of the slice from sched_runtime since 6.12.
    """
    before = {thread: get_attr(thread) for thread in threads}
    try:
        for thread, attr in before.items():
            set_attr(thread, _batch(attr))
        yield _in_words(before)
    finally:
        for thread, attr in before.items():
            set_attr(thread, attr)


def _batch(attr: sched_attr) -> sched_attr:
    batch = sched_attr.from_buffer_copy(attr)
    batch.sched_policy, batch.sched_runtime = os.SCHED_BATCH, SLICE_NS
    return batch


def _in_words(threads: Iterable[int]) -> str:
    has_slice = all(get_attr(thread).sched_runtime == SLICE_NS for thread in threads)
    return f"SCHED_BATCH, slice of {SLICE_NS // 10**6} ms" if has_slice else "SCHED_BATCH"
