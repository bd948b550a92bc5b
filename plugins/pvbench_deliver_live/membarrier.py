"""
membarrier(2): interrupt every CPU that is running a thread of this process, and wait.

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

# Quicker so: with the interpreter's lock kept (nobody else wants it), and without argtypes,
# as each argument is an int anyway.
_syscall = ctypes.PyDLL(None, use_errno=True).syscall

# 0, or -1; registering comes first.  What is timed, so nothing stands around it.
private_expedited: Final[Callable[[], int]] = partial(
    _syscall, NR_MEMBARRIER, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0
)


def why_unavailable() -> str | None:
    """Why the kernel cannot do it; None if it can."""
    commands = _syscall(NR_MEMBARRIER, MEMBARRIER_CMD_QUERY, 0, 0)
    if commands < 0:
        return f"the kernel refuses membarrier(2): {os.strerror(ctypes.get_errno())}"
    if not commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        return "the kernel's membarrier(2) has no expedited command (Linux 4.14 has)"
    return None


def register() -> None:
    """
    Announce the command to the kernel, once for the process; again does no harm.

    Raises:
        OSError: the kernel refuses.
    """
    check(_syscall(NR_MEMBARRIER, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))


def check(result: int) -> None:
    """
    What a call gave.

    Raises:
        OSError: an error.
    """
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"membarrier(2): {os.strerror(error)}")
