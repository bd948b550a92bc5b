"""/dev/kvm itself."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError
from pvbench_deliver_kvm.vmm import layout, uapi
from pvbench_deliver_kvm.vmm.fd import Fd, IoctlError

DEVICE: Final = Path("/dev/kvm")
_MOST_ENTRIES: Final = 512  # of a CPUID table
_NEEDED: Final = {
    "KVM_CAP_IRQCHIP": uapi.KVM_CAP_IRQCHIP,
    "KVM_CAP_MP_STATE": uapi.KVM_CAP_MP_STATE,
    "KVM_CAP_SIGNAL_MSI": uapi.KVM_CAP_SIGNAL_MSI,
    "KVM_CAP_IMMEDIATE_EXIT": uapi.KVM_CAP_IMMEDIATE_EXIT,
}


class Cpuid:
    """A CPUID table; `entries` may be changed in place."""

    def __init__(self, entries: list[uapi.kvm_cpuid_entry2]) -> None:
        self.entries = entries

    @property
    def vendor(self) -> bytes:
        """The CPU's maker, ``GenuineIntel``, or nothing if leaf 0 is missing."""
        for leaf in self.entries:
            if leaf.function == 0:
                words = (leaf.ebx, leaf.edx, leaf.ecx)
                return b"".join(word.to_bytes(4, "little") for word in words)
        return b""

    def buffer(self) -> ctypes.Array[ctypes.c_char]:
        """As struct kvm_cpuid2 with its entries."""
        head = bytes(uapi.kvm_cpuid2(nent=len(self.entries)))
        return ctypes.create_string_buffer(head + b"".join(map(bytes, self.entries)))


class Kvm(Fd):
    """See Documentation/virt/kvm/api.rst, "System ioctls"."""

    @classmethod
    def open(cls) -> Kvm:
        """
        Open the device and check what every guest needs.

        Raises:
            UnavailableError: it cannot be used, and why.
        """
        try:
            kvm = cls(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            raise UnavailableError(
                f"{DEVICE} cannot be opened", why=str(error.strerror), fix=_HINTS[error.errno]
            ) from None
        try:
            kvm._check()
        except BaseException:
            kvm.close()
            raise
        return kvm

    def _check(self) -> None:
        version = self.get_api_version()
        if version != uapi.KVM_API_VERSION:
            raise UnavailableError(
                f"{DEVICE} speaks version {version} of its API, not {uapi.KVM_API_VERSION}"
            )
        missing = [name for name, number in _NEEDED.items() if not self.check_extension(number)]
        if missing:
            raise UnavailableError(f"this KVM is without {missing[0]}")

    def get_api_version(self) -> int:
        """See KVM_GET_API_VERSION."""
        return self.ioctl("KVM_GET_API_VERSION", uapi.KVM_GET_API_VERSION)

    def check_extension(self, number: int) -> int:
        """See KVM_CHECK_EXTENSION; 0 is no."""
        return self.ioctl("KVM_CHECK_EXTENSION", uapi.KVM_CHECK_EXTENSION, number)

    def limits(self) -> dict[str, int]:
        """How many vCPUs a guest may have, and where their IDs end."""
        vcpus = self.check_extension(uapi.KVM_CAP_MAX_VCPUS)
        vcpus = vcpus or self.check_extension(uapi.KVM_CAP_NR_VCPUS) or 4  # as api.rst says
        ids = self.check_extension(uapi.KVM_CAP_MAX_VCPU_ID) or vcpus
        return {"max_vcpus": min(vcpus, layout.MAX_CPUS), "max_vcpu_id": ids}

    def create_vm(self) -> int:
        """See KVM_CREATE_VM; the descriptor.  A signal may interrupt it."""
        while True:
            try:
                return self.ioctl("KVM_CREATE_VM", uapi.KVM_CREATE_VM)
            except IoctlError as error:
                if error.number != errno.EINTR:
                    raise

    def get_vcpu_mmap_size(self) -> int:
        """See KVM_GET_VCPU_MMAP_SIZE; bytes."""
        return self.ioctl("KVM_GET_VCPU_MMAP_SIZE", uapi.KVM_GET_VCPU_MMAP_SIZE)

    def get_supported_cpuid(self) -> Cpuid:
        """See KVM_GET_SUPPORTED_CPUID."""
        return self._cpuid("KVM_GET_SUPPORTED_CPUID", uapi.KVM_GET_SUPPORTED_CPUID)

    def get_supported_hv_cpuid(self) -> Cpuid:
        """See KVM_GET_SUPPORTED_HV_CPUID."""
        return self._cpuid("KVM_GET_SUPPORTED_HV_CPUID", uapi.KVM_GET_SUPPORTED_HV_CPUID)

    def _cpuid(self, name: str, request: int) -> Cpuid:
        head, entry = ctypes.sizeof(uapi.kvm_cpuid2), ctypes.sizeof(uapi.kvm_cpuid_entry2)
        buffer = ctypes.create_string_buffer(
            bytes(uapi.kvm_cpuid2(nent=_MOST_ENTRIES)), head + _MOST_ENTRIES * entry
        )
        self.ioctl(name, request, buffer)
        count = uapi.kvm_cpuid2.from_buffer(buffer).nent
        places = range(head, head + count * entry, entry)
        return Cpuid([uapi.kvm_cpuid_entry2.from_buffer_copy(buffer, at) for at in places])


class _Hints(dict[int | None, str]):
    def __missing__(self, _: object) -> str:
        return "Try again, or run with --delivery model."


_HINTS: Final = _Hints(
    {
        errno.EACCES: "Add yourself to group kvm, or run with --delivery model.",
        errno.EPERM: "Add yourself to group kvm, or run with --delivery model.",
        errno.ENOENT: "Load kvm_intel or kvm_amd, or run with --delivery model.",
    }
)
