"""
membarrier(2): interrupt every CPU that runs a thread of this process, and wait.

Source: Linux, include/uapi/linux/membarrier.h; Documentation: membarrier(2).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import partial
from typing import Final

NR_MEMBARRIER: Final = 324  # x86-64
MEMBARRIER_CMD_QUERY: Final = 0
MEMBARRIER_CMD_PRIVATE_EXPEDITED: Final = 1 << 3
MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: Final = 1 << 4

# The call is faster if it keeps the interpreter's lock, which no other thread needs, and
# without argtypes, which ints do not need.
_syscall = ctypes.PyDLL(None, use_errno=True).syscall

# Returns 0 or -1 and needs register() first.  It is what is timed, so it has no wrapper.
private_expedited: Final[Callable[[], int]] = partial(
    _syscall, NR_MEMBARRIER, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0
)


def why_unavailable() -> str | None:
    """Return why the kernel does not support the command; None if it does."""
    commands = _syscall(NR_MEMBARRIER, MEMBARRIER_CMD_QUERY, 0, 0)
    if commands < 0:
        return f"the kernel refuses membarrier(2): {os.strerror(ctypes.get_errno())}"
    if not commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        return "the kernel's membarrier(2) has no expedited command, which needs Linux 4.14"
    return None


def register() -> None:
    """
    Register this process for the command; doing it again has no effect.

    Raises:
        OSError: the kernel refuses it.
    """
    check(_syscall(NR_MEMBARRIER, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))


def check(result: int) -> None:
    """
    Check the return value of a call.

    Raises:
        OSError: the call failed.
    """
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"membarrier(2): {os.strerror(error)}")
