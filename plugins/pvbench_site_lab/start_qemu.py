"""
Start a program that ends when its parent does.

As a program, without any package: python -I -S start_qemu.py PARENT_PID PROGRAM ...
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() not in (int(sys.argv[1]), 0):  # 0 is of another PID namespace
        sys.exit(1)
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is needed
