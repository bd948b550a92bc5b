"""A Linux guest under QEMU on this host's KVM, for workloads that are programs."""

from __future__ import annotations

from pvbench.delivery import Delivery
from pvbench.hookspecs import hookimpl
from pvbench_deliver_linux.delivery import Linux

pvbench_api = 1


@hookimpl
def pvbench_deliveries() -> list[Delivery]:
    return [Linux()]
