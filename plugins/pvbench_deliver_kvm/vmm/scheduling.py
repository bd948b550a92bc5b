"""
How the host schedules the threads of vCPUs.

Source: sched(7), sched_setattr(2), sched_rr_get_interval(2).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes import Structure, c_int32, c_long, c_uint32, c_uint64, sizeof
from typing import Final

import attrs

from pvbench.errors import UnavailableError

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


@attrs.frozen
class RealTime:
    """
    A policy of real-time threads.

    Args:
        policy: os.SCHED_FIFO or os.SCHED_RR.
        priority: a thread preempts those of lower numbers, and none of its own.
    """

    policy: int
    priority: int


@contextmanager
def scheduled(threads: Mapping[int, RealTime]) -> Iterator[str]:
    """
    Schedule *threads* by real-time policies for a while; yield these policies in words.

    Raises:
        UnavailableError: the kernel refuses it.
    """
    before = {thread: get_attr(thread) for thread in threads}
    try:
        for thread, real_time in threads.items():
            set_attr(thread, _attr(before[thread], real_time))
        yield ", ".join(sorted({_in_words(*item) for item in threads.items()}))
    finally:
        for thread, attr in before.items():
            set_attr(thread, attr)


def _attr(before: sched_attr, real_time: RealTime) -> sched_attr:
    attr = sched_attr.from_buffer_copy(before)
    attr.sched_policy, attr.sched_priority = real_time.policy, real_time.priority
    attr.sched_nice = attr.sched_runtime = 0
    return attr


def _in_words(thread: int, real_time: RealTime) -> str:
    if real_time.policy == os.SCHED_FIFO:
        return f"SCHED_FIFO {real_time.priority}"
    return f"SCHED_RR with {1e3 * os.sched_rr_get_interval(thread):g} ms"
