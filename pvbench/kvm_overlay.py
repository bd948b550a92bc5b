"""Overlays that turn a cpumask into KVM_HC_SEND_IPI calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

import attrs

from pvbench.guest import Guest
from pvbench.linux_era import PV_IPI, PV_WINDOW, LinuxEra
from pvbench.ops import Burst, Hypercall, Scan
from pvbench.sender import Apic, Ops, Sender
from pvbench.sequences import irqs_off, words
from pvbench.x86.apic import NMI_VECTOR, icr_low
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks


@attrs.define
class Window:
    """
    The APIC IDs of one KVM_HC_SEND_IPI call.

    Args:
        low: the APIC ID of bit 0.
        high: the highest APIC ID in the window.
        bitmap: bit i stands for APIC ID *low* + i.
        lost: APIC IDs whose bit is below bit 0, outside the bitmap.
    """

    low: int
    high: int
    bitmap: int = 1
    lost: list[int] = attrs.field(factory=list)

    def slide_to(self, apic_id: int) -> None:
        """Lower the base to *apic_id* and set its bit."""
        self.bitmap = self.bitmap << self.low - apic_id | 1
        self.low = apic_id

    def add(self, apic_id: int) -> None:
        """Set the bit of *apic_id*, or lose it if it is below the base."""
        self.high = max(self.high, apic_id)
        if apic_id < self.low:
            self.lost.append(apic_id)
        else:
            self.bitmap |= 1 << apic_id - self.low


def sliding_windows(
    apic_ids: Iterable[int], width: int, window_test: Callable[[Window, int], bool]
) -> list[Window]:
    """
    Pack APIC IDs into windows of *width*, greedily and in the order given.

    An ID below the base moves the base down if the highest ID still fits.  Otherwise
    *window_test* decides whether the ID joins the window or starts a new one.

    Source: Linux, arch/x86/kernel/kvm.c, __send_ipi_mask().
    """
    windows: list[Window] = []
    for apic_id in apic_ids:
        window = windows[-1] if windows else None
        if window and apic_id < window.low and window.high - apic_id < width:
            window.slide_to(apic_id)
        elif window and window_test(window, apic_id):
            window.add(apic_id)
        else:
            windows.append(Window(low=apic_id, high=apic_id))
    return windows


def pv_windows(apic_ids: Iterable[int], width: int, linux: LinuxEra) -> list[Window]:
    """Pack APIC IDs as *linux* does; before `PV_WINDOW` its test has no lower bound."""
    bounded = linux.follows(PV_WINDOW)

    def joins(window: Window, apic_id: int) -> bool:
        return (apic_id > window.low or not bounded) and apic_id < window.low + width

    return sliding_windows(apic_ids, width, joins)


class KvmOverlay(Sender):
    """
    An overlay that turns a mask into KVM_HC_SEND_IPI calls with interrupts off.

    Source: Linux, arch/x86/kernel/kvm.c, kvm_setup_pv_ipi().
    """

    mechanism = "hypercall"

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        """Return the arguments of each hypercall for *apic_ids*, in CPU-number order."""
        raise NotImplementedError

    def calls_in(self, apic: Apic, apic_ids: list[int], icr: int) -> Iterable[tuple[int, ...]]:
        """Return the same where they also depend on the kernel of the guest."""
        return self.calls(apic_ids, icr, apic.guest.bits)

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        """Scan the mask once; an empty cpumask returns early."""
        return irqs_off(self._scan_and_call(apic, cpus, vector)) if cpus else iter(())

    def send_IPI_mask_allbutself(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        """Do the same as `send_IPI_mask` with a copy of the mask without the sender."""
        return self.send_IPI_mask(apic, apic.without_self(cpus), vector)

    def _scan_and_call(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Scan(len(cpus))
        ids = [apic.id(cpu) for cpu in cpus]
        for args in self.calls_in(apic, ids, icr_low(vector)):
            if not isinstance(args, tuple):
                raise TypeError(
                    f"calls() yields {args!r}, not a tuple with the arguments of a hypercall;"
                    " other ops are yielded by send_IPI_mask()"
                )
            yield Hypercall(KVM_HC_SEND_IPI, args)


class MergedKvmOverlay(KvmOverlay):
    """PV IPIs as merged: a bitmap of two words whose base can move down."""

    hypercall_abi = "kvm"
    needs = PV_IPI

    def drops(self, cpus: tuple[int, ...], guest: Guest, linux: LinuxEra) -> frozenset[int]:
        """Return the CPUs whose ID is below a window, in a kernel before `PV_WINDOW`."""
        cpu_of_id = {guest.apic_ids[cpu]: cpu for cpu in cpus}
        windows = pv_windows(cpu_of_id, 2 * guest.bits, linux)
        return frozenset(cpu_of_id[apic_id] for window in windows for apic_id in window.lost)

    def calls_in(self, apic: Apic, apic_ids: list[int], icr: int) -> Iterable[tuple[int, ...]]:
        """Make one call for each window."""
        bits = apic.guest.bits
        for window in pv_windows(apic_ids, 2 * bits, apic.linux):
            yield (*words(window.bitmap, 2, bits), window.low, icr)

    def mask_counts(self, masks: Masks) -> MaskCounts:
        """Count the windows of each mask."""
        bounded = masks.linux.follows(PV_WINDOW)
        hypercalls, lost = masks.windows(2 * masks.guest.bits, bounded=bounded)
        return masks.counts(hypercalls=hypercalls, lost=lost)


class BroadcastingKvmOverlay(KvmOverlay):
    """A KVM overlay until 2019: it sends full broadcasts as masks, never by shorthand."""

    def send_IPI_allbutself(self, apic: Apic, vector: int) -> Ops:
        """Send to all online CPUs but the sender, as a mask."""
        return self.send_IPI_mask(apic, apic.guest.others(apic.source), vector)

    def send_IPI_all(self, apic: Apic, vector: int) -> Ops:
        """Send to all online CPUs, as a mask."""
        return self.send_IPI_mask(apic, apic.guest.online, vector)


class ProposedKvmOverlay(KvmOverlay):
    """A proposal of 2018: 64-bit guests, and a vector without a delivery mode."""

    def why_unsupported(self, guest: Guest) -> str | None:
        """Refuse 32-bit guests: the patches of 2018 are for 64-bit guests."""
        return None if guest.bits == 64 else f"{self.name} is for 64-bit guests"

    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        """Refuse NMIs: an NMI is a delivery mode, not a vector."""
        if burst.vector == NMI_VECTOR:
            return "the hypercall carries a vector but no delivery mode, so it cannot send NMIs"
        return None


class ClusterOverlay(ProposedKvmOverlay):
    """
    The reviewer's proposals: one hypercall per aligned cluster.

    The last register holds the vector in bits 7:0 and the cluster in bits 31:8.
    APIC IDs are grouped as in x2APIC clusters, so the number of hypercalls does not
    depend on their order.
    """

    bitmap_words: ClassVar[int]

    def why_unsupported(self, guest: Guest) -> str | None:
        """Refuse APIC IDs that a cluster index of 24 bits cannot reach."""
        if max(guest.apic_ids) // (64 * self.bitmap_words) >= 1 << 24:
            return f"a 24-bit cluster index cannot reach APIC ID {max(guest.apic_ids)}"
        return super().why_unsupported(guest)

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        """Make one call for each cluster, in the order of each cluster's first APIC ID."""
        clusters: dict[int, int] = {}
        for apic_id in apic_ids:
            cluster, bit = divmod(apic_id, bits * self.bitmap_words)
            clusters[cluster] = clusters.get(cluster, 0) | 1 << bit
        for cluster, bitmap in clusters.items():
            yield (*words(bitmap, self.bitmap_words), cluster << 8 | icr)

    def mask_counts(self, masks: Masks) -> MaskCounts:
        """Count the clusters of each mask."""
        width = masks.guest.bits * self.bitmap_words
        clusters = [apic_id // width for apic_id in masks.guest.apic_ids]
        return masks.counts(hypercalls=masks.groups(clusters))
