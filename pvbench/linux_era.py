"""
The Linux era of a guest: the rules by which the guest's kernel sends IPIs.

Each rule names the first release that follows it, and its commit.  A stable release counts
as the mainline release of its numbers, although some have taken later commits over.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.x86.apic import XAPIC_FLAT_CPUS

CURRENT: Final = "6.12"
_NO_IPI_BROADCAST: Final = "+no_ipi_broadcast"
_NUMBER: Final = "(0|[1-9][0-9]{0,3})"
_VERSION: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?")


@attrs.frozen(kw_only=True)
class LinuxRule:
    """
    A rule of a guest's kernel.

    Args:
        first: the first release that follows it.
        commit: where Linux has it.
        effect: what it does, as a sentence.
        vendors: the vendors of CPUs that it is limited to; empty for all.
    """

    first: str
    commit: str
    effect: str
    vendors: tuple[str, ...] = ()


X2APIC_PHYSICAL: Final = LinuxRule(
    first="2.6.32",
    commit="ce69a7845042",
    effect="Without interrupt remapping a KVM guest uses x2APIC in physical mode.",
)
PV_IPI: Final = LinuxRule(
    first="4.19",
    commit="aaffcfd1e82d",
    effect="A KVM guest can send to a mask by hypercall.",
)
SHORTHANDS: Final = LinuxRule(
    first="5.4",
    commit="832df3d47bad",
    effect="A full broadcast is one write with a shorthand, also of a guest with PV IPIs.",
)
NO_IPI_IF_POLLING: Final = LinuxRule(
    first="5.8",
    commit="b2a02fc43a1f",
    effect="An idle CPU that polls gets no IPI if it is the only target.",
)
UNICAST_OF_REST: Final = LinuxRule(
    first="5.13",
    commit="a32a4d8a815c",
    effect="A CPU is sent a unicast if the call queues of all other targets have an IPI under "
    "way; before, a mask.  From d43f17a1da25 on it gets no IPI if it polls.",
)
PV_WINDOW: Final = LinuxRule(
    first="5.18",
    commit="c15e0ae42c8e",
    effect="An APIC ID below a PV window starts another window; before, its IPI is lost.",
)
NO_FENCE: Final = LinuxRule(
    first="6.8",
    commit="04c3024560d3",
    effect="No fence comes before an x2APIC ICR write.",
    vendors=("AMD", "Hygon"),
)
NO_FLAT: Final = LinuxRule(
    first="6.12",
    commit="838ba7733e4e",
    effect="64-bit kernels use no logical flat mode.",
)
RULES: Final = (
    *(X2APIC_PHYSICAL, PV_IPI, SHORTHANDS, NO_IPI_IF_POLLING, UNICAST_OF_REST),
    *(PV_WINDOW, NO_FENCE, NO_FLAT),
)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, such as 6.12, of which the third is 0 where it lacks."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"{version!r} is not a version of Linux, such as {CURRENT}")
    return tuple(int(number or 0) for number in match.groups())


def _version(instance: object, attribute: attrs.Attribute[str], version: str) -> None:
    _numbers(version)


@attrs.frozen(kw_only=True)
class LinuxEra:
    """
    The kernel of a guest, as far as IPIs depend on it.

    Args:
        version: of Linux, such as ``6.12``.
        vendor: of the guest's CPUs: ``Intel``, ``AMD``, ``Hygon``, or '' if it is not known.
        no_ipi_broadcast: the kernel is booted with this parameter, which disables
            shorthands for broadcasts.
    """

    version: str = attrs.field(default=CURRENT, validator=_version)
    vendor: str = ""
    no_ipi_broadcast: bool = False

    @property
    def name(self) -> str:
        """``6.12`` or ``6.12+no_ipi_broadcast``, without the vendor."""
        return self.version + (_NO_IPI_BROADCAST if self.no_ipi_broadcast else "")

    def follows(self, rule: LinuxRule) -> bool:
        """Whether this kernel follows *rule*."""
        concerns = not rule.vendors or self.vendor in rule.vendors
        return concerns and _numbers(self.version) >= _numbers(rule.first)

    @property
    def shorthands(self) -> bool:
        """Whether it sends full broadcasts by shorthand."""
        return self.follows(SHORTHANDS) and not self.no_ipi_broadcast

    @property
    def fence(self) -> bool:
        """Whether it fences before an x2APIC ICR write."""
        return not self.follows(NO_FENCE)


def uses_x2apic(guest: Guest, linux: LinuxEra) -> bool:
    """Whether the kernel enables x2APIC, see try_to_enable_x2apic()."""
    return guest.x2apic and (guest.intremap or linux.follows(X2APIC_PHYSICAL))


def uses_flat(guest: Guest, linux: LinuxEra) -> bool:
    """Whether the kernel uses the logical flat mode of xAPIC, which has a bit for each CPU."""
    has_flat = guest.bits == 32 or not linux.follows(NO_FLAT)
    fits = len(guest.apic_ids) <= XAPIC_FLAT_CPUS
    return has_flat and fits and not uses_x2apic(guest, linux)


def parsed(text: str, vendor: str = "") -> LinuxEra:
    """
    The era written ``6.12`` or ``6.12+no_ipi_broadcast``, on CPUs of *vendor*.

    Raises:
        UsageError: it is written otherwise.
    """
    version = text.removesuffix(_NO_IPI_BROADCAST)
    if not _VERSION.fullmatch(version):
        raise UsageError(
            f"--linux {text!r} is not a version of Linux",
            why="a version has two or three numbers with dots between them",
            fix=f"Write {CURRENT}, or {CURRENT}{_NO_IPI_BROADCAST} for that kernel parameter.",
        )
    return LinuxEra(
        version=version, vendor=vendor, no_ipi_broadcast=text.endswith(_NO_IPI_BROADCAST)
    )
