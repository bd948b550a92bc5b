"""
Any kernel's real KVM on any machine: QEMU emulates a machine that has hardware virtualization.

It needs qemu-system-x86_64 and SeaBIOS, and a kernel with kvm_amd.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.site import SiteFamily

pvbench_api = 1


@hookimpl
def pvbench_sites() -> list[SiteFamily]:
    from pvbench_site_lab.site import LabFamily  # a worker in a lab imports nothing of it

    return [LabFamily()]
