"""KVM hypercalls: numbers and error codes of Linux's uapi/linux/kvm_para.h."""

from __future__ import annotations

from typing import Final

KVM_ENOSYS: Final = 1000
KVM_EPERM: Final = 1
KVM_EINVAL: Final = 22
KVM_EOPNOTSUPP: Final = 95

KVM_HC_SEND_IPI: Final = 10
KVM_HC_KICK_CPU: Final = 5
KVM_HC_SCHED_YIELD: Final = 11
KVM_HC_OTHERS: Final = frozenset((1, 5, 9, 11, 12))  # that KVM serves and that send no IPI
