"""
Senders: the ops that a guest executes for a burst, as callbacks of struct apic.

``send_call_func_single_ipi`` is one of struct smp_ops, which Linux calls for a function call
to one CPU; the native one calls ``send_IPI``.

A driver has all callbacks; an overlay has some of them and replaces those of a driver.
The others stay native.  Callbacks call each other through the whole stack, as through
``apic->`` in Linux.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra, LinuxRule
from pvbench.ops import Burst, Op
from pvbench.x86.apic import XAPIC_BROADCAST, x2apic_logical_id

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

Ops = Iterator[Op]

CALLBACKS: Final = (
    "send_IPI",
    "send_IPI_mask",
    "send_IPI_mask_allbutself",
    "send_IPI_allbutself",
    "send_IPI_all",
    "send_IPI_self",
    "send_call_func_single_ipi",
)
MECHANISMS: Final = ("icr", "shorthand", "hypercall", "kernel")


class Sender:
    """
    A way of sending IPIs.  Subclass it and define some of CALLBACKS.

    A callback takes its stack, CPU numbers (one, or an ascending tuple) and a vector,
    and yields ops.  It must be pure.

    Attributes:
        name: unique, lower case with dashes, in Linux's words.
        summary: one line for `pvbench list senders`.
        mechanism: how its own callbacks send, from MECHANISMS; the static
            check refuses a sender that uses another one.
        hypercall_abi: the ABI that its guest must boot with; None for any.
        needs: the rule of Linux without which a kernel does not have it; None for any kernel.

    Source: Linux, arch/x86/include/asm/apic.h, struct apic; smp.h, struct smp_ops.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    mechanism: ClassVar[str] = "icr"
    hypercall_abi: ClassVar[str | None] = None
    needs: ClassVar[LinuxRule | None] = None

    def why_unsupported(self, guest: Guest) -> str | None:
        """Return why this sender cannot serve *guest*; None if it can."""
        return None

    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        """Return why this sender cannot send *burst*; None if it can."""
        return None

    def drops(self, cpus: tuple[int, ...], guest: Guest, linux: LinuxEra) -> frozenset[int]:
        """Return those of *cpus* that its callbacks never reach, as in the real kernel."""
        return frozenset()

    def mask_counts(self, masks: Masks) -> MaskCounts | None:
        """
        Return what `send_IPI_mask` does for each of *masks*; None to have its ops counted.

        It is a fast way for recordings, and must agree with the ops.  A sender of a subclass
        that sends otherwise has to override it too.
        """
        return None

    @classmethod
    def overrides(cls) -> tuple[str, ...]:
        """Return the names of the callbacks that this sender defines."""
        return tuple(name for name in CALLBACKS if hasattr(cls, name))


class Driver(Sender):
    """
    A sender with all callbacks; it must define `send_IPI` and `send_IPI_mask`.

    Attributes:
        apic_mode: the mode that the guest's local APICs must be in.
        gone: the rule of Linux from which on no 64-bit kernel has it; None if all have it.
    """

    apic_mode: ClassVar[str]
    gone: ClassVar[LinuxRule | None] = None

    def probe(self, guest: Guest, linux: LinuxEra) -> bool:
        """Return whether the kernel *linux* chooses this driver in *guest*."""
        return False

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        """Send *vector* to one CPU."""
        raise NotImplementedError

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        """Send *vector* to each of *cpus*."""
        raise NotImplementedError

    def send_IPI_mask_allbutself(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        """Send to the mask without the sender; as in Linux, overlays are not called."""
        return self.send_IPI_mask(apic, apic.without_self(cpus), vector)

    def send_IPI_allbutself(self, apic: Apic, vector: int) -> Ops:
        """Send by shorthand if the kernel uses shorthands, else as a mask."""
        if apic.shorthands:
            return self.send_shorthand(apic, "allbutself", vector)
        return apic.send_IPI_mask_allbutself(apic.guest.online, vector)

    def send_IPI_all(self, apic: Apic, vector: int) -> Ops:
        """Send by shorthand if the kernel uses shorthands, else as a mask."""
        if apic.shorthands:
            return self.send_shorthand(apic, "all", vector)
        return apic.send_IPI_mask(apic.guest.online, vector)

    def send_IPI_self(self, apic: Apic, vector: int) -> Ops:
        """Send *vector* to the sending CPU."""
        return self.send_shorthand(apic, "self", vector)

    def send_call_func_single_ipi(self, apic: Apic, cpu: int, vector: int) -> Ops:
        """Send the *vector* of a function call to one CPU as any other unicast."""
        return apic.send_IPI(cpu, vector)

    def send_shorthand(self, apic: Apic, shorthand: str, vector: int) -> Ops:
        """Send by destination shorthand ``self``, ``all`` or ``allbutself``."""
        raise NotImplementedError


@attrs.frozen
class Stack:
    """A driver with at most one overlay; written ``kvm-pv/x2apic-cluster``."""

    driver: Driver
    overlay: Sender | None = None

    @property
    def name(self) -> str:
        """``overlay/driver``; the name of a native stack is that of its driver."""
        return f"{self.overlay.name}/{self.driver.name}" if self.overlay else self.driver.name

    @property
    def sender(self) -> Sender:
        """The overlay, or the driver of a native stack."""
        return self.overlay or self.driver

    def sender_of(self, callback: str) -> Sender:
        """The overlay if it replaces *callback*, or the driver."""
        overlay = self.overlay
        return overlay if overlay and hasattr(overlay, callback) else self.driver

    def guest(self, guest: Guest) -> Guest:
        """Return *guest* with the APIC mode and hypercall ABI that this stack needs."""
        mode, abi = self.driver.apic_mode, self.sender.hypercall_abi or guest.hypercall_abi
        if (guest.apic_mode, guest.hypercall_abi) == (mode, abi):
            return guest  # a copy would check all APIC IDs again
        return attrs.evolve(guest, apic_mode=mode, hypercall_abi=abi)

    def note(self, guest: Guest, linux: LinuxEra) -> str | None:
        """Return that the kernel *linux* does not have the driver any more, or None."""
        rule = self.driver.gone
        if rule is None or guest.bits == 32 or not linux.follows(rule):
            return None
        return (
            f"64-bit Linux {linux.version} has no driver {self.driver.name}: it went with "
            f"{rule.first} (commit {rule.commit})"
        )

    def why_unsupported(self, guest: Guest, linux: LinuxEra) -> str | None:
        """Return why the stack cannot serve *guest* with the kernel *linux*; None if it can."""
        rule = self.sender.needs
        if rule and not linux.follows(rule):
            return f"Linux {linux.version} has no {self.sender.name}: it came with {rule.first}"
        if self.overlay and self.driver.mechanism == "kernel":
            return "a running kernel sends its own way, so it cannot have an overlay"
        highest = max(guest.apic_ids)
        if guest.apic_mode == "xapic" and highest >= XAPIC_BROADCAST:
            return f"APIC ID {highest} is not an xAPIC ID, which has 8 bits (255 is broadcast)"
        if guest.apic_mode == "x2apic" and not guest.x2apic:
            return "the CPUs of the guest have no x2APIC"
        reason = self.driver.why_unsupported(guest)
        if reason is None and self.overlay:
            reason = self.overlay.why_unsupported(guest)
        return reason


class Apic:
    """A stack on one CPU of a guest with the kernel *linux*; its callbacks call each other."""

    def __init__(self, stack: Stack, guest: Guest, source: int, *, linux: LinuxEra) -> None:
        self.stack, self.guest, self.source, self.linux = stack, guest, source, linux
        self.overlaid: set[str] = set()  # names of overlay callbacks that were called

    def _call(self, callback: str, *args: Any) -> Ops:
        overlay = self.stack.overlay
        method = getattr(overlay, callback, None)
        if method is None:
            method = getattr(self.stack.driver, callback)
        else:
            self.overlaid.add(callback)
        ops: Ops = method(self, *args)
        return ops

    def send_IPI(self, cpu: int, vector: int) -> Ops:
        """See `Driver.send_IPI`."""
        return self._call("send_IPI", cpu, vector)

    def send_IPI_mask(self, cpus: tuple[int, ...], vector: int) -> Ops:
        """See `Driver.send_IPI_mask`."""
        return self._call("send_IPI_mask", cpus, vector)

    def send_IPI_mask_allbutself(self, cpus: tuple[int, ...], vector: int) -> Ops:
        """See `Driver.send_IPI_mask_allbutself`."""
        return self._call("send_IPI_mask_allbutself", cpus, vector)

    def send_IPI_allbutself(self, vector: int) -> Ops:
        """See `Driver.send_IPI_allbutself`."""
        return self._call("send_IPI_allbutself", vector)

    def send_IPI_all(self, vector: int) -> Ops:
        """See `Driver.send_IPI_all`."""
        return self._call("send_IPI_all", vector)

    def send_IPI_self(self, vector: int) -> Ops:
        """See `Driver.send_IPI_self`."""
        return self._call("send_IPI_self", vector)

    def send_call_func_single_ipi(self, cpu: int, vector: int) -> Ops:
        """See `Driver.send_call_func_single_ipi`."""
        return self._call("send_call_func_single_ipi", cpu, vector)

    @property
    def shorthands(self) -> bool:
        """Whether full broadcasts are sent by shorthand; Linux does not for a single CPU."""
        return self.linux.shorthands and len(self.guest.online) > 1

    def id(self, cpu: int) -> int:
        """APIC ID of *cpu*."""
        return self.guest.apic_ids[cpu]

    def logical_id(self, cpu: int) -> int:
        """Logical x2APIC ID of *cpu*."""
        return x2apic_logical_id(self.guest.logical[cpu])

    def without_self(self, cpus: tuple[int, ...]) -> tuple[int, ...]:
        """Return *cpus* without the sending CPU."""
        return tuple(cpu for cpu in cpus if cpu != self.source)
