"""The sites ``lab:KERNEL``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from pvbench.site import Session, Site, SiteOptions
from pvbench_site_lab import needs
from pvbench_site_lab.address import FAMILY, Address, parsed
from pvbench_site_lab.find import find
from pvbench_site_lab.session import LabSession

_SUMMARY = "the KVM of any kernel, in a machine that QEMU emulates"


@attrs.frozen
class Lab:
    """The site that boots the kernel at an address."""

    name: str
    address: Address
    summary: str = _SUMMARY

    def why_unavailable(self) -> str | None:
        return needs.why_unavailable()

    @contextmanager
    def session(self, options: SiteOptions) -> Iterator[Session]:
        kernel = find(self.address.kernel, may_build=options.probe)
        opened = LabSession(self.address, kernel, options)
        try:
            yield opened
        finally:
            opened.workers.end()


class LabFamily:
    name = FAMILY
    form = "lab:KERNEL"
    summary = _SUMMARY

    def why_unavailable(self) -> str | None:
        return needs.why_unavailable()

    def at(self, address: str) -> Site:
        """
        The lab at *address*.

        Raises:
            UsageError: it is no address of a lab.
        """
        return Lab(f"{FAMILY}:{address}", parsed(address))
