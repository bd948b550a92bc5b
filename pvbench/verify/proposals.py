"""Scenes and random calls of the hypercall ABIs that were proposed in 2018."""

from __future__ import annotations

from typing import Final

from pvbench.guest import Guest
from pvbench.ops import Hypercall
from pvbench.verify.draw import Draw
from pvbench.verify.trials import Scene
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI

BITMAP_WORDS: Final = {"kvm-v3": 2, "kvm-cluster128": 2, "kvm-cluster192": 3}
_WORD: Final = 64  # bits
# They lie on both sides of 64, 128, 192, 256 and higher bounds of clusters.
_SPARSE: Final = (
    *(0, 1, 15, 16, 17, 63, 64, 127, 128, 129, 191, 192, 200),
    *(255, 256, 320, 383, 384, 512, 1023, 2047),
)
_IDS: Final = {"": range(8), "-70": range(70), "-sparse": _SPARSE}
SCENES_OF: Final = {
    abi: {
        f"{abi}{name}": Scene(guest=Guest(name=f"{abi}{name}", apic_ids=ids, hypercall_abi=abi))
        for name, ids in _IDS.items()
    }
    for abi in BITMAP_WORDS
}


def proposed_call(draw: Draw) -> Hypercall:
    """
    A call of the guest's ABI: bitmap words, then the vector and perhaps a cluster.

    KVM reads the low 32 bits of the last register, and patch v3 only the vector.
    """
    words = BITMAP_WORDS[draw.guest.hypercall_abi]
    above = draw.random.getrandbits(32) << 32 if draw.chance(0.1) else 0
    last = above | _cluster(draw, words * _WORD) << 8 | draw.vector()
    return Hypercall(KVM_HC_SEND_IPI, (*(draw.bitmap() for _ in range(words)), last))


def _cluster(draw: Draw, width: int) -> int:
    """The number of a cluster, of 24 bits: mostly that of a CPU, or the one after."""
    of_cpu = draw.random.choice(draw.guest.apic_ids) // width
    any_number = draw.random.getrandbits(24)
    return draw.random.choice((0, of_cpu, of_cpu, of_cpu + 1, any_number, (1 << 24) - 1))
