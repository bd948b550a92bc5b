"""A package with a kernel, and the files of a kernel in the cache."""

from __future__ import annotations

import lzma

from pvbench.qemu import kernel_cache
from support.kernels import bz_image

IMAGE = bz_image(b"x" * 8)
RELEASE = "6.1.0-56-amd64"
PACKAGE = f"linux-image-{RELEASE}"
MODULES = f"./lib/modules/{RELEASE}/kernel"


def module(*depends: str) -> bytes:
    """The part of a module that names its dependencies."""
    return b"\x7fELF\0depends=" + ",".join(depends).encode() + b"\0"


FILES = {
    f"./boot/vmlinuz-{RELEASE}": IMAGE,
    f"./boot/System.map-{RELEASE}": b"symbols",
    f"{MODULES}/arch/x86/kvm/kvm-amd.ko": module("kvm", "ccp"),
    f"{MODULES}/arch/x86/kvm/kvm.ko": module("irqbypass"),
    f"{MODULES}/arch/x86/kvm/kvm-intel.ko": module("kvm"),
    f"{MODULES}/drivers/crypto/ccp/ccp.ko.xz": lzma.compress(module()),
    f"{MODULES}/virt/lib/irqbypass.ko": module(),
}


def names(name: str = "6.1") -> list[str]:
    """The files of a kernel in the cache."""
    place = kernel_cache.folder() / name
    return sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())
