"""
Real KVM: a micro-VMM boots a small guest that executes the ops and times itself.

It needs /dev/kvm and, for the first time, a C compiler.
"""

from __future__ import annotations

from pvbench.delivery import Delivery
from pvbench.hookspecs import hookimpl
from pvbench_deliver_kvm.delivery import KvmDelivery

pvbench_api = 1


@hookimpl
def pvbench_deliveries() -> list[Delivery]:
    return [KvmDelivery()]
