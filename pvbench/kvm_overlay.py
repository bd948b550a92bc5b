"""Overlays that turn a cpumask into KVM_HC_SEND_IPI calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pvbench.guest import Guest
from pvbench.ops import (
    Burst,
    Hypercall,
    Scan,
)
from pvbench.sender import Apic, Ops, Sender
from pvbench.sequences import irqs_off, words
from pvbench.x86.apic import (
    NMI_VECTOR,
    icr_low,
)
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI


class KvmOverlay(Sender):
    """
    An overlay that turns a mask into KVM_HC_SEND_IPI calls, interrupts off.

    Source: Linux, arch/x86/kernel/kvm.c, kvm_setup_pv_ipi().
    """

    mechanism = "hypercall"

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        """Arguments of each hypercall for *apic_ids*, given in CPU-number order."""
        raise NotImplementedError

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        """An empty cpumask returns early; anything else is scanned once."""
        return irqs_off(self._scan_and_call(apic, cpus, vector)) if cpus else iter(())

    def send_IPI_mask_allbutself(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        """As `send_IPI_mask`, on a copy of the mask."""
        return self.send_IPI_mask(apic, apic.without_self(cpus), vector)

    def _scan_and_call(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Scan(len(cpus))
        ids = [apic.id(cpu) for cpu in cpus]
        for args in self.calls(ids, icr_low(vector), apic.guest.bits):
            yield Hypercall(KVM_HC_SEND_IPI, args)


class HooksBroadcasts(KvmOverlay):
    """KVM overlays until 2019: full broadcasts are masks too, shorthands or not."""

    def send_IPI_allbutself(self, apic: Apic, vector: int) -> Ops:
        """All online CPUs but the sender, as a mask."""
        return self.send_IPI_mask(apic, apic.guest.others(apic.source), vector)

    def send_IPI_all(self, apic: Apic, vector: int) -> Ops:
        """All online CPUs, as a mask."""
        return self.send_IPI_mask(apic, tuple(apic.guest.cpus), vector)


class VectorOnlyOverlay(KvmOverlay):
    """A proposal of 2018: 64-bit guests, and a vector without a delivery mode."""

    def why_unsupported(self, guest: Guest) -> str | None:
        """The patches and proposals of 2018 are for 64-bit guests."""
        return None if guest.bits == 64 else f"{self.name} is for 64-bit guests"

    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        """An NMI has a delivery mode and no vector."""
        if burst.vector == NMI_VECTOR:
            return "the hypercall carries a vector and no delivery mode: no NMI"
        return None


class ClusterOverlay(VectorOnlyOverlay):
    """
    The reviewer's proposals: one hypercall per aligned cluster.

    The last register holds the vector in bits 7:0 and the cluster in 31:8.
    Grouped like x2APIC clusters, so the count does not depend on the order.
    """

    bitmap_words: ClassVar[int]

    def why_unsupported(self, guest: Guest) -> str | None:
        """A cluster index has 24 bits."""
        if max(guest.apic_ids) // (64 * self.bitmap_words) >= 1 << 24:
            return f"a 24-bit cluster index ends below APIC ID {max(guest.apic_ids)}"
        return super().why_unsupported(guest)

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        """Clusters in the order they are first met."""
        clusters: dict[int, int] = {}
        for apic_id in apic_ids:
            cluster, bit = divmod(apic_id, bits * self.bitmap_words)
            clusters[cluster] = clusters.get(cluster, 0) | 1 << bit
        for cluster, bitmap in clusters.items():
            yield (*words(bitmap, self.bitmap_words), cluster << 8 | icr)
