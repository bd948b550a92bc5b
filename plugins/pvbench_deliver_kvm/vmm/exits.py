"""
Why KVM_RUN returned, as one type for each exit reason that carries data.

Source: Linux, Documentation/virt/kvm/api.rst, "The kvm_run structure".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from pvbench_deliver_kvm.vmm import uapi


@attrs.frozen
class Interrupted:
    """KVM_RUN ended with EINTR or EAGAIN; the vCPU can run on."""


@attrs.frozen
class Io:
    """KVM_EXIT_IO: the guest accessed an I/O port."""

    port: int


@attrs.frozen
class Mmio:
    """KVM_EXIT_MMIO: the guest accessed an address that is not its memory."""

    address: int
    is_write: bool


@attrs.frozen
class Shutdown:
    """KVM_EXIT_SHUTDOWN: a triple fault."""


@attrs.frozen
class InternalError:
    """KVM_EXIT_INTERNAL_ERROR: KVM could not go on."""

    suberror: int


@attrs.frozen
class Other:
    """An exit reason that this VMM does not handle."""

    reason: int


VcpuExit = Interrupted | Io | Mmio | Shutdown | InternalError | Other

_EXITS: Final[dict[int, Callable[[uapi.kvm_run], VcpuExit]]] = {
    uapi.KVM_EXIT_IO: lambda state: Io(state.io.port),
    uapi.KVM_EXIT_MMIO: lambda state: Mmio(state.mmio.phys_addr, bool(state.mmio.is_write)),
    uapi.KVM_EXIT_SHUTDOWN: lambda state: Shutdown(),
    uapi.KVM_EXIT_INTERNAL_ERROR: lambda state: InternalError(state.internal.suberror),
}
_OTHER_NAMES: Final = {
    uapi.KVM_EXIT_HLT: "KVM_EXIT_HLT",
    uapi.KVM_EXIT_FAIL_ENTRY: "KVM_EXIT_FAIL_ENTRY",
    uapi.KVM_EXIT_INTR: "KVM_EXIT_INTR",
}


def exit_of(state: uapi.kvm_run) -> VcpuExit:
    """The exit that *state* describes."""
    reason = int(state.exit_reason)
    if make := _EXITS.get(reason):
        return make(state)
    return Other(reason)


def description(vcpu_exit: VcpuExit) -> str:
    """An exit that ends a guest, for an error message."""
    match vcpu_exit:
        case Io(port):
            return f"unhandled KVM_EXIT_IO on port {port:#x}"
        case Mmio(address, is_write):
            access = "write to" if is_write else "read from"
            return f"KVM_EXIT_MMIO: {access} {address:#x}, which is not guest memory,"
        case Shutdown():
            return "triple fault (KVM_EXIT_SHUTDOWN)"
        case InternalError(suberror):
            return f"KVM_EXIT_INTERNAL_ERROR, suberror {suberror},"
        case Other(reason):
            return f"unhandled {_OTHER_NAMES.get(reason, f'exit reason {reason}')}"
        case Interrupted():
            return "interrupted by a signal"
