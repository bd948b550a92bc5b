"""The device /dev/kvm."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError
from pvbench_deliver_kvm.vmm import cpuid, layout, uapi
from pvbench_deliver_kvm.vmm.cpuid import Cpuid
from pvbench_deliver_kvm.vmm.fd import Fd, IoctlError
from pvbench_deliver_kvm.vmm.vm import Vm

DEVICE: Final = Path("/dev/kvm")
_NEEDED: Final = {
    "KVM_CAP_IRQCHIP": uapi.KVM_CAP_IRQCHIP,
    "KVM_CAP_MP_STATE": uapi.KVM_CAP_MP_STATE,
    "KVM_CAP_SIGNAL_MSI": uapi.KVM_CAP_SIGNAL_MSI,
    "KVM_CAP_IMMEDIATE_EXIT": uapi.KVM_CAP_IMMEDIATE_EXIT,
}


class Kvm(Fd):
    """See Documentation/virt/kvm/api.rst, "System ioctls"."""

    @classmethod
    def open(cls, device: Path | None = None) -> Kvm:
        """
        Open *device*, /dev/kvm by default, and check that KVM has what every guest needs.

        Raises:
            UnavailableError: KVM cannot be used, and why.
        """
        device = device or DEVICE
        try:
            kvm = cls(os.open(device, os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            raise UnavailableError(
                f"{device} cannot be opened", why=str(error.strerror), fix=_HINTS[error.errno]
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
                f"KVM has API version {version}, and pvbench needs {uapi.KVM_API_VERSION}"
            )
        missing = [name for name, number in _NEEDED.items() if not self.check_extension(number)]
        if missing:
            raise UnavailableError(f"KVM on this host lacks {missing[0]}")

    def get_api_version(self) -> int:
        """See KVM_GET_API_VERSION."""
        return self.ioctl("KVM_GET_API_VERSION", uapi.KVM_GET_API_VERSION)

    def check_extension(self, number: int) -> int:
        """See KVM_CHECK_EXTENSION; 0 if KVM lacks it."""
        return self.ioctl("KVM_CHECK_EXTENSION", uapi.KVM_CHECK_EXTENSION, number)

    def limits(self) -> dict[str, int]:
        """The maximum number of vCPUs, and the first vCPU ID that is too large."""
        vcpus = self.check_extension(uapi.KVM_CAP_MAX_VCPUS)
        # The fallbacks are those of api.rst.
        vcpus = vcpus or self.check_extension(uapi.KVM_CAP_NR_VCPUS) or 4
        ids = self.check_extension(uapi.KVM_CAP_MAX_VCPU_ID) or vcpus
        return {"max_vcpus": min(vcpus, layout.MAX_CPUS), "max_vcpu_id": ids}

    def create_vm(self) -> Vm:
        """See KVM_CREATE_VM; repeated if a signal interrupts it."""
        mmap_size = self.get_vcpu_mmap_size()
        while True:
            try:
                return Vm(self.ioctl("KVM_CREATE_VM", uapi.KVM_CREATE_VM), mmap_size)
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
        buffer = cpuid.empty_buffer()
        self.ioctl(name, request, buffer)
        return Cpuid.from_buffer(buffer)


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
