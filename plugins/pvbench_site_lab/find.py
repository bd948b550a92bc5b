"""The kernel that a lab boots, by the address that a user writes."""

from __future__ import annotations

from pathlib import Path

from pvbench.errors import UsageError, unknown
from pvbench.qemu import kernel_cache
from pvbench.qemu.kernels import BOOT, Kernel, has_image, installed, of_path
from pvbench_site_lab import commands, kernel_store
from pvbench_site_lab.tree import built, no_tree, tree_at


def find(address: str, *, may_build: bool = True) -> Kernel:
    """
    The kernel at *address*.

    It is the path of a file or of a folder with one, the sources of a kernel, which are
    built, the name of a kernel in the cache, or an installed release.

    Raises:
        UsageError: there is no such kernel.
        UnavailableError: it cannot be built, or had to be and not *may_build*, or its files
            in the cache are damaged.
    """
    tree = tree_at(address)
    if tree is not None and (tree.revision or not has_image(tree.source)):
        return built(tree, may_build=may_build)
    if "@" in address and not Path(address).exists():
        raise no_tree(address)
    if "/" in address:
        return of_path(address, Path(address))
    if stored := kernel_cache.stored(address):
        kernel_store.check(stored)
        return stored.kernel
    if kernel := installed(address):
        return kernel
    raise _no_kernel(address)


def _no_kernel(address: str) -> UsageError:
    """The error for an address of no kernel, with what works."""
    if command := commands.of_missing(address):
        return UsageError(
            f"there is no kernel {address!r} for a lab",
            why=f"{BOOT}/vmlinuz-{address} does not exist, and no kernel in the cache has "
            "that name",
            fix=command,
        )
    names = [stored.kernel.name for stored in kernel_cache.kernels()]
    listing = "`pvbench lab list` lists those in the cache, and ./vmlinuz names a file."
    return unknown("kernel for a lab", address, names, listing)
