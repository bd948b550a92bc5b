"""
The reviewer's second proposal: a four-argument call with aligned clusters of 192.

Radim Krcmar on patch v3 (2018): three bitmap words, then vector and cluster.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import ClusterOverlay
from pvbench.sender import Sender

pvbench_api = 1


class KvmPvCluster192(ClusterOverlay):
    name = "kvm-pv-cluster192"
    summary = "proposal of 2018: four arguments, 192 per call"
    hypercall_abi = "kvm-cluster192"
    bitmap_words = 3


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPvCluster192()]
