"""
The reviewer's first proposal: aligned clusters of 128 APIC IDs.

Radim Krcmar on patch v3 (2018): three registers.  The last one holds the vector
in 8 bits and a cluster index in 24 bits, which is enough for 2^31 CPUs.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import ClusterOverlay
from pvbench.sender import Sender

pvbench_api = 1


class KvmPvCluster128(ClusterOverlay):
    name = "kvm-pv-cluster128"
    summary = "proposal of 2018: 24-bit cluster index beside the vector, 128 per call"
    hypercall_abi = "kvm-cluster128"
    bitmap_words = 2


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPvCluster128()]
