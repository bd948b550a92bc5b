"""Random words for registers: ICR, destinations, bitmaps, windows."""

from __future__ import annotations

from random import Random
from typing import Final

from pvbench.guest import Guest
from pvbench.x86.apic import (
    APIC_DEST_LOGICAL,
    APIC_DM_EXTINT,
    APIC_DM_LOWEST,
    APIC_DM_NMI,
    APIC_ICR_BUSY,
    APIC_INT_ASSERT,
    APIC_INT_LEVELTRIG,
    ERROR_CODE_VECTORS,
    FIRST_EXTERNAL_VECTOR,
    X2APIC_BROADCAST,
    XAPIC_BROADCAST,
    XAPIC_FLAT_CPUS,
)

U64: Final = (1 << 64) - 1
_FIRST_VECTOR: Final = FIRST_EXTERNAL_VECTOR + 2  # the two below start the guest's CPUs
# Illegal ones, and those of exceptions; the guest would expect an error code with the rest.
_LOW_VECTORS: Final[tuple[int, ...]] = tuple(
    sorted({*range(FIRST_EXTERNAL_VECTOR)} - {*ERROR_CODE_VECTORS})
)
_SHORTHAND_SHIFT: Final = 18
_RESERVED: Final = (13, 16, 17, 20, 24, 31)  # bits of the ICR
_OTHER_MODES: Final = (0x300, 0x600, APIC_DM_EXTINT)  # that interrupt no CPU


class Draw:
    """
    Draws words for the programs of one trial.

    Args:
        tame: only fixed messages and NMIs, with bits that no KVM takes amiss.

    Attributes:
        plain: only fixed messages with legal vectors and NMIs are drawn.
    """

    def __init__(self, random: Random, guest: Guest, *, tame: bool = False) -> None:
        self.random, self.guest, self.tame = random, guest, tame
        self.plain = tame
        self._vectors: list[int] = []

    def chance(self, part: float) -> bool:
        """Whether something of this probability happens."""
        return self.random.random() < part

    def vector(self) -> int:
        """A vector; a sixth is one that was drawn before, so that IPIs may coalesce."""
        if self._vectors and self.chance(1 / 6):
            return self.random.choice(self._vectors)
        if not self.plain and self.chance(0.04):
            return self.random.choice(_LOW_VECTORS)
        self._vectors.append(self.random.randrange(_FIRST_VECTOR, 0x100))
        return self._vectors[-1]

    def icr(self, *, plain: bool = False) -> int:
        """A low ICR word; a *plain* one rarely has a destination mode or a shorthand."""
        low = self._mode() | self.vector()
        if not plain or self.chance(0.06):
            low |= APIC_DEST_LOGICAL if self.chance(0.4) else 0
            low |= self.random.choice((0, 0, 0, 1, 2, 3)) << _SHORTHAND_SHIFT
        low |= APIC_INT_ASSERT if self.chance(0.5) else 0
        low |= APIC_INT_LEVELTRIG if self.chance(0.12) else 0
        if not self.tame and self.chance(0.05):
            low |= APIC_ICR_BUSY
        if self.chance(0.05):
            low |= 1 << self.random.choice(_RESERVED)
        return low

    def _mode(self) -> int:
        if self.chance(0.12):
            return APIC_DM_NMI
        if self.plain or self.chance(0.85):
            return 0
        return APIC_DM_LOWEST if self.chance(0.8) else self.random.choice(_OTHER_MODES)

    def xapic_destination(self) -> int:
        """The eight bits of a destination in ICR2."""
        one = self.random.choice(self.guest.apic_ids)
        any_id, bit = self.random.randrange(256), self.random.randrange(XAPIC_FLAT_CPUS)
        return self.random.choice((one, any_id, XAPIC_BROADCAST, 1 << bit, any_id)) & 0xFF

    def x2apic_destination(self) -> int:
        """A destination: an APIC ID, members of a cluster, a broadcast ID or anything."""
        random, ids = self.random, self.guest.apic_ids
        one = random.choice(ids)
        cluster, some = one >> 4 << 16, random.getrandbits(16)
        last_cluster = max(ids) >> 4 << 16
        return random.choice(
            (
                *(one, one, one + 1, max(ids) + 1, random.randrange(512)),
                *(X2APIC_BROADCAST, XAPIC_BROADCAST, random.getrandbits(32)),
                *(cluster | some, cluster | 1 << (one & 15), cluster | 0xFFFF),
                *(cluster + (1 << 16) | 0xFFFF, last_cluster | some, 0xFFFF_0000 | some),
            )
        )

    def first_id(self) -> int:
        """The register `min` of KVM_HC_SEND_IPI; KVM reads its low 32 bits."""
        random, ids = self.random, self.guest.apic_ids
        one, last = random.choice(ids), max(ids)
        return random.choice(
            (
                *(0, 0, one, one, max(one - random.randrange(128), 0)),
                *(last, last + 1, random.randrange(512)),
                *(0xFFFF_FFFF, 0xFFFF_FFFF - random.randrange(200), 1 << 31),
                *(one | 1 << 32, random.getrandbits(64)),
            )
        )

    def bitmap(self) -> int:
        """A word of a mask: empty, one bit, dense, sparse or full."""
        random = self.random
        return random.choice(
            (
                *(0, 0xFF, 1 << 63, U64, 1 << random.randrange(64)),
                *(random.getrandbits(64), random.getrandbits(64) & random.getrandbits(64)),
            )
        )
