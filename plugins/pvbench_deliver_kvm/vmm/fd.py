"""One file descriptor of KVM's, and how an ioctl on it fails."""

from __future__ import annotations

import ctypes
import mmap
import os
from types import TracebackType
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
    Memory at an address, for structs at fixed places; `close` gives it back.

    Raises:
        UnavailableError: it is refused.
    """

    def __init__(self, size: int, *, fd: int = -1, flags: int) -> None:
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        found: int | None = _mmap(None, size, protection, flags, fd, 0)
        if found is None or found == _FAILED:
            why = os.strerror(ctypes.get_errno())
            raise UnavailableError(f"{size >> 10} KiB of memory are refused", why=why)
        self.address, self.size = found, size

    def close(self) -> None:
        """Unmap it; once is enough.  Nobody may use the address after that."""
        if self.size:
            _munmap(self.address, self.size)
            self.size = 0


class Fd:
    """Owns a descriptor; leaving the context closes it."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it; once is enough."""
        if self.number >= 0:
            os.close(self.number)
            self.number = -1

    def ioctl(self, name: str, request: int, argument: Any = 0) -> int:
        """
        What the ioctl returns; *name* is for the error.

        Raises:
            IoctlError: it failed.
        """
        result: int = _ioctl(self.number, request, argument)
        if result < 0:
            raise IoctlError(name, ctypes.get_errno())
        return result


def ref(struct: ctypes.Structure) -> Any:
    """The argument of an ioctl that takes a struct."""
    return ctypes.byref(struct)
