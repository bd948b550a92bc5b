"""Scenes and random calls of the hypercall ABIs that were proposed in 2018."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from pvbench.guest import Guest
from pvbench.ops import Hypercall
from pvbench.verify.draw import Draw
from pvbench.verify.trials import Scene
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI

BITMAP_WORDS: Final = {"kvm-v3": 2, "kvm-cluster128": 2, "kvm-cluster192": 3}
# They lie on both sides of 64, 128, 192, 256 and higher bounds of clusters.
_SPARSE: Final = (
    *(0, 1, 15, 16, 17, 63, 64, 127, 128, 129, 191, 192, 200),
    *(255, 256, 320, 383, 384, 512, 1023, 2047),
)
# They lie on both sides of 32, 64, 96 and higher bounds of clusters of 32-bit words.
_NARROW: Final = (0, 1, 2, 31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 192, 300)


def _scenes(abi: str) -> Iterator[Scene]:
    guest = Guest(name=abi, apic_ids=range(8), hypercall_abi=abi)
    yield Scene(guest=guest)
    yield Scene(guest=attrs.evolve(guest, name=f"{abi}-70", apic_ids=range(70)))
    yield Scene(guest=attrs.evolve(guest, name=f"{abi}-sparse", apic_ids=_SPARSE))
    yield Scene(guest=attrs.evolve(guest, name=f"{abi}-b32", apic_ids=_NARROW, bits=32))
    running = attrs.evolve(guest, name=f"{abi}-run", apic_ids=range(3))
    yield Scene(guest=running, target_state="running")


SCENES_OF: Final = {
    abi: {scene.guest.name: scene for scene in _scenes(abi)} for abi in BITMAP_WORDS
}


def proposed_call(draw: Draw) -> Hypercall:
    """
    A call of the guest's ABI: bitmap words, then the vector and perhaps a cluster.

    KVM reads the low 32 bits of the last register, and patch v3 only the vector.
    """
    words = BITMAP_WORDS[draw.guest.hypercall_abi]
    width = words * draw.guest.bits
    above = draw.random.getrandbits(32) << 32 if draw.chance(0.1) else 0
    last = above | _cluster(draw, width) << 8 | draw.vector()
    return Hypercall(KVM_HC_SEND_IPI, (*(draw.bitmap() for _ in range(words)), last))


def _cluster(draw: Draw, width: int) -> int:
    """The number of a cluster, of 24 bits: mostly that of a CPU, or the one after."""
    of_cpu = draw.random.choice(draw.guest.apic_ids) // width
    any_number = draw.random.getrandbits(24)
    return draw.random.choice((0, of_cpu, of_cpu, of_cpu + 1, any_number, (1 << 24) - 1))
