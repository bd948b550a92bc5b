"""The kernel that a lab boots, by the address that a user writes."""

from __future__ import annotations

from pathlib import Path

from pvbench.errors import UsageError
from pvbench_site_lab import kernel_store
from pvbench_site_lab.kernels import BOOT, Kernel, has_image, installed, of_path
from pvbench_site_lab.series import PROPOSALS
from pvbench_site_lab.tree import built, tree_at


def find(address: str, *, may_build: bool = True) -> Kernel:
    """
    The kernel at *address*.

    It is the path of a file or of a folder with one, the sources of a kernel, which are
    built, the name of a kernel in the cache, or an installed release.

    Raises:
        UsageError: there is no such kernel.
        UnavailableError: it cannot be built, or had to be and not *may_build*.
    """
    tree = tree_at(address)
    if tree is not None and (tree.revision or not has_image(tree.source)):
        return built(tree, may_build=may_build)
    if "/" in address:
        return of_path(address, Path(address))
    stored = kernel_store.stored(address)
    kernel = stored.kernel if stored else installed(address)
    if kernel is None:
        raise UsageError(
            f"there is no kernel {address!r} for a lab",
            why=f"{BOOT}/vmlinuz-{address} does not exist, and no kernel in the cache has "
            "that name",
            fix=_command_for(address),
        )
    return kernel


def _command_for(address: str) -> str:
    """What adds a kernel of that name to the cache."""
    version = address.removesuffix(f"-{PROPOSALS.name}")
    if version != address:
        return f"Build it: `pvbench lab build {version} --patches`."
    return f"Add it: `pvbench lab add {address}`, or name the path of a vmlinuz."
