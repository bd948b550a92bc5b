"""What a lab lacks on this machine, and what works in one."""

from __future__ import annotations

import shutil

import attrs

from pvbench.delivery import Options
from pvbench.errors import PvbenchError
from pvbench.protocol import Describe
from pvbench.site import SiteOptions
from pvbench.text import counted
from pvbench_site_lab import make, needs
from pvbench_site_lab.address import parsed
from pvbench_site_lab.site import Lab

DELIVERY = Describe("kvm", "pvbench_deliver_kvm", Options())
_APT = {"apt-get": "apt", "apt-cache": "apt", "dpkg-deb": "dpkg"}
_SOURCES = {"tar": "tar", "xz": "xz-utils", "git": "git"}


@attrs.frozen
class Finding:
    """
    One thing that was looked at.

    Args:
        is_needed: no lab works without it.
    """

    subject: str
    text: str
    is_good: bool = True
    is_needed: bool = True


def pieces() -> list[Finding]:
    """The programs and files that labs need, and those that only some commands need."""
    lacking = needs.why_unavailable()
    return [
        Finding("labs", lacking or "work here", not lacking),
        _optional("lab add VERSION", _without(_APT), "add kernels that you have as files"),
        _optional("lab build", make.missing(), "no kernel can be built here"),
        _optional("lab build VERSION", _without(_APT | _SOURCES), "build a tree of your own"),
        _optional(
            "kernels with zstd",
            _without({"zstd": "zstd"}),
            "they unpack themselves in a lab, which takes longer",
        ),
    ]


def _without(programs: dict[str, str]) -> list[str]:
    """The packages of the programs that are missing."""
    missing = (package for name, package in programs.items() if not shutil.which(name))
    return list(dict.fromkeys(missing))


def _optional(subject: str, packages: list[str], result: str) -> Finding:
    if not packages:
        return Finding(subject, "works here", is_needed=False)
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    return Finding(subject, f"{result} ({command})", is_good=False, is_needed=False)


def boot(name: str) -> Finding:
    """What works with the KVM of the kernel at the address *name*."""
    subject = f"lab:{name}"
    try:
        lab = Lab(subject, parsed(name))
        with lab.session(SiteOptions()) as session:
            description = session.describe(session.hosts[0], DELIVERY)
    except PvbenchError as error:
        return Finding(subject, str(error), is_good=False)
    probes = description.probes or {}
    failures = [f"{probe}: {reason}" for probe, reason in probes.items() if reason]
    release = description.host.get("kernel_release", "it")
    working = counted(len(probes) - len(failures), "mechanism")
    text = f"{release} boots, and {working} of {len(probes)} of KVM work"
    return Finding(subject, "; ".join([text, *failures]))
