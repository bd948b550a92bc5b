"""Op sequences that several senders share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pvbench.ops import (
    Burst,
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Scan,
    WaitIcrIdle,
    WrMsr,
)
from pvbench.sender import Apic, Ops, Sender
from pvbench.topology import Guest
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DEST_ALLBUT,
    APIC_DEST_ALLINC,
    APIC_DEST_SELF,
    APIC_ICR,
    APIC_ICR2,
    APIC_SELF_IPI,
    NMI_VECTOR,
    icr_low,
    x2apic_msr,
)
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI

INPUT_PAGE_BASE: Final = 0x800_0000  # guest physical; a page for each CPU from here
PAGE_SIZE: Final = 4096
NMI_ICR_POLLS: Final = 1000  # safe_apic_wait_icr_idle(): a crash path must not hang

SHORTHANDS: Final = {
    "self": APIC_DEST_SELF,
    "all": APIC_DEST_ALLINC,
    "allbutself": APIC_DEST_ALLBUT,
}


def input_page(cpu: int) -> int:
    """Address of the page *cpu* hands a hypercall its input in, as Linux's per-CPU ones."""
    return INPUT_PAGE_BASE + cpu * PAGE_SIZE


def irqs_off(ops: Iterable[object]) -> Ops:
    """*ops* between local_irq_save() and local_irq_restore()."""
    yield IrqSave()
    yield from ops  # type: ignore[misc]
    yield IrqRestore()


def words(bitmap: int, count: int, bits: int = 64) -> tuple[int, ...]:
    """The low *count* machine words of a bitmap, lowest first."""
    mask = (1 << bits) - 1
    return tuple(bitmap >> bits * i & mask for i in range(count))


def xapic_send(destination: int, icr: int) -> Ops:
    """Wait until the ICR is idle, write the destination, then the word that sends."""
    is_nmi = icr & 0xFF == 0
    yield WaitIcrIdle(NMI_ICR_POLLS if is_nmi else 0)
    yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR2, destination << 24)
    yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR, icr)


def xapic_shorthand(shorthand: str, vector: int) -> Ops:
    """__default_send_IPI_shortcut(): the low word alone sends."""
    yield WaitIcrIdle(NMI_ICR_POLLS if vector == NMI_VECTOR else 0)
    icr = icr_low(vector, SHORTHANDS[shorthand])
    yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR, icr)


def x2apic_shorthand(shorthand: str, vector: int) -> Ops:
    """__x2apic_send_IPI_shorthand(); to itself a CPU uses the SELF IPI register."""
    if shorthand == "self" and vector != NMI_VECTOR:
        yield WrMsr(x2apic_msr(APIC_SELF_IPI), vector)
    else:
        yield Fence()
        yield WrMsr(x2apic_msr(APIC_ICR), icr_low(vector, SHORTHANDS[shorthand]))


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

    def unsupported(self, guest: Guest) -> str | None:
        """The patches and proposals of 2018 are for 64-bit guests."""
        return None if guest.bits == 64 else f"{self.name} is for 64-bit guests"

    def refuses(self, burst: Burst, guest: Guest) -> str | None:
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

    def unsupported(self, guest: Guest) -> str | None:
        """A cluster index has 24 bits."""
        if max(guest.apic_ids) // (64 * self.bitmap_words) >= 1 << 24:
            return f"a 24-bit cluster index ends below APIC ID {max(guest.apic_ids)}"
        return super().unsupported(guest)

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        """Clusters in the order they are first met."""
        clusters: dict[int, int] = {}
        for apic_id in apic_ids:
            cluster, bit = divmod(apic_id, bits * self.bitmap_words)
            clusters[cluster] = clusters.get(cluster, 0) | 1 << bit
        for cluster, bitmap in clusters.items():
            yield (*words(bitmap, self.bitmap_words), cluster << 8 | icr)
