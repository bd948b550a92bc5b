"""Senders with one fault each, for tests of the checks that detect it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pvbench.guest import Guest
from pvbench.kvm_overlay import KvmOverlay
from pvbench.linux_era import LinuxEra
from pvbench.masks import MaskCounts, Masks
from pvbench.ops import Burst, Fence, Hypercall, IrqSave, Scan, WrMsr
from pvbench.sender import Apic, Ops, Sender

Call = tuple[int, ...]


class FaultlessSender(KvmOverlay):
    """One hypercall for APIC IDs below 64; without a fault."""

    name = "test-sender"
    summary = "a test's"
    hypercall_abi = "kvm"

    def why_unsupported(self, guest: Guest) -> str | None:
        if guest.bits == 64 and max(guest.apic_ids) < 64:
            return None
        return "one word holds APIC IDs 0 to 63"

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        yield sum(1 << apic_id for apic_id in set(apic_ids)), 0, 0, icr


class FallsBack(FaultlessSender):
    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        return apic.stack.driver.send_IPI_mask(apic, cpus, vector)


class FallsBackForOne(FaultlessSender):
    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield from super().send_IPI_mask(apic, cpus[1:], vector)
        yield from apic.stack.driver.send_IPI(apic, cpus[0], vector)


class LosesOne(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return super().calls(apic_ids[:-1], icr, bits)


class LosesAll(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return super().calls([], icr, bits)


class MiscountsMasks(FaultlessSender):
    def mask_counts(self, masks: Masks) -> MaskCounts:
        return masks.counts(hypercalls=masks.sizes)


class HitsTwice(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        yield from super().calls(apic_ids, icr, bits)
        yield from super().calls(apic_ids[1:2], icr, bits)


class HitsAnUnexpectedCpu(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return super().calls([*apic_ids, 5], icr, bits)


class HitsItself(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return super().calls([*apic_ids, 0], icr, bits)


class WrongVector(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return super().calls(apic_ids, icr + 1, bits)


class BadIcr(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return super().calls(apic_ids, icr | 0x800, bits)


class WrongAbi(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return [args[:3] for args in super().calls(apic_ids, icr, bits)]


class Faults(FaultlessSender):
    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield from super().send_IPI_mask(apic, cpus, vector)
        yield WrMsr(0x831, 0)


class Raises(FaultlessSender):
    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        raise KeyError(apic_ids[0])


class RaisesHalfWay(FaultlessSender):
    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Hypercall(10, (2, 0, 0, vector))
        raise RuntimeError("no more windows")


class LeavesInterruptsOff(FaultlessSender):
    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield IrqSave()
        yield from list(super().send_IPI_mask(apic, cpus, vector))[1:-1]


class YieldsNoOp(FaultlessSender):
    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Fence  # type: ignore[misc]  # the class, for an instance
        yield from super().send_IPI_mask(apic, cpus, vector)


class NoShorthand(Sender):
    name = "test-sender"
    summary = "a test's"
    mechanism = "shorthand"

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        return apic.stack.driver.send_IPI_mask(apic, cpus, vector)


class Impure(FaultlessSender):
    """Its first call is another than the later ones."""

    def __init__(self) -> None:
        self.called = False

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        if not self.called:
            self.called = True
            yield Fence()
        yield from super().send_IPI_mask(apic, cpus, vector)


class NoInt(FaultlessSender):
    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        yield Scan(np.int64(len(cpus)))  # type: ignore[arg-type]  # the fault
        yield from super().send_IPI_mask(apic, cpus, vector)


class DropsAnUnexpectedCpu(FaultlessSender):
    def drops(self, cpus: tuple[int, ...], guest: Guest, linux: LinuxEra) -> frozenset[int]:
        return frozenset({999}) if cpus == (0,) else frozenset()


class DropsAList(FaultlessSender):
    def drops(self, cpus: tuple[int, ...], guest: Guest, linux: LinuxEra) -> frozenset[int]:
        return []  # type: ignore[return-value]  # the fault


class DeclinesAll(FaultlessSender):
    def why_unsupported(self, guest: Guest) -> str | None:
        return "not today"


class RefusesAll(FaultlessSender):
    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        return "not this one"


class DeclinesInSilence(FaultlessSender):
    def why_unsupported(self, guest: Guest) -> str | None:
        return ""


class RefusesByTrue(FaultlessSender):
    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        return True  # type: ignore[return-value]  # the fault


class DeclinesByTurns(FaultlessSender):
    def __init__(self) -> None:
        self.turn = 0

    def why_unsupported(self, guest: Guest) -> str | None:
        self.turn += 1
        return None if self.turn % 2 else "every other time"


class FailsToDecline(FaultlessSender):
    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        raise KeyError(burst.vector)


class OnlySmallMasks(FaultlessSender):
    """Right for a single target, which most quick tests use."""

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[Call]:
        return super().calls(apic_ids[:3], icr, bits)


class NothingOfItsOwn(Sender):
    name = "test-sender"
    summary = "a test's"


class Capital(FaultlessSender):
    name = "Test-sender"


class Magic(FaultlessSender):
    mechanism = "magic"


class NoSummary(Sender):
    name = "test-sender"
