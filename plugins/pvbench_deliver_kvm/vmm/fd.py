"""A file descriptor of KVM, its ioctls, and their errors."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Any, Final, Self

from pvbench.errors import UnavailableError

_libc: Final = ctypes.CDLL(None, use_errno=True)
_ioctl: Final = _libc.ioctl  # fcntl.ioctl ends at INT_MAX
_ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
_mmap: Final = _libc.mmap
_mmap.argtypes = (
    *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int),
    *(ctypes.c_int, ctypes.c_long),
)
_mmap.restype = ctypes.c_void_p
_munmap: Final = _libc.munmap
_munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_FAILED: Final = ctypes.c_void_p(-1).value


class IoctlError(UnavailableError):
    """An ioctl failed; `number` is its errno."""

    def __init__(self, name: str, number: int) -> None:
        self.number = number
        super().__init__(f"{name} failed", why=os.strerror(number))


class Mapping:
    """
    Memory at a fixed address, for ctypes structures; `close` unmaps it.

    Raises:
        UnavailableError: the host refuses the memory.
    """

    def __init__(self, size: int, *, fd: int = -1, flags: int) -> None:
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        address: int | None = _mmap(None, size, protection, flags, fd, 0)
        if address is None or address == _FAILED:
            why = os.strerror(ctypes.get_errno())
            raise UnavailableError(f"{size >> 10} KiB of memory cannot be mapped", why=why)
        self.address, self.size = address, size

    def close(self) -> None:
        """Unmap the memory; may be called again.  The address is invalid after that."""
        if self.size:
            _munmap(self.address, self.size)
            self.size = 0


class Fd:
    """Owns a file descriptor; leaving the context closes it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor; may be called again."""
        if self.number >= 0:
            os.close(self.number)
            self.number = -1

    def ioctl(self, name: str, request: int, argument: Any = 0) -> int:
        """
        Return what the ioctl returns; *name* is for the error message.

        Raises:
            IoctlError: the ioctl failed.
        """
        result: int = _ioctl(self.number, request, argument)
        if result < 0:
            raise IoctlError(name, ctypes.get_errno())
        return result


def ref(struct: ctypes.Structure) -> Any:
    """The argument of an ioctl that takes a struct."""
    return ctypes.byref(struct)
