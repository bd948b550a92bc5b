"""The modules of a kernel that KVM needs in a lab, in the order of loading."""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError
from pvbench.qemu.kernels import Kernel
from pvbench.qemu.vmlinux import decompressed_by

NEEDED: Final = "kvm_amd"  # QEMU emulates AMD's virtualization and not Intel's
_DEPENDS: Final = re.compile(rb"(?:^|\0)depends=([^\0]*)\0")
_SUFFIX: Final = re.compile(r"\.ko(\.(gz|xz|zst))?$")


@attrs.frozen
class Module:
    """A module and the content of its file, decompressed."""

    name: str
    path: Path
    content: bytes = attrs.field(repr=False)


def of_kernel(kernel: Kernel) -> list[Module]:
    """
    The modules to load for KVM; none if it is built into *kernel*.

    Raises:
        UnavailableError: one of them is missing or cannot be read.
    """
    if kernel.modules is None:
        return []
    paths = _paths_in(kernel.modules)
    order: dict[str, Module] = {}
    if NEEDED in paths or not _is_builtin(kernel.modules):
        _add(NEEDED, paths, order, kernel)
    return list(order.values())


def _paths_in(folder: Path) -> dict[str, Path]:
    """The file of each module in *folder* and below, by name."""
    paths = (path for path in folder.rglob("*.ko*") if _SUFFIX.search(path.name))
    return {_SUFFIX.sub("", path.name).replace("-", "_"): path for path in sorted(paths)}


def _is_builtin(folder: Path) -> bool:
    for path in folder.glob("**/modules.builtin"):
        names = {Path(line).stem.replace("-", "_") for line in path.read_text().splitlines()}
        return NEEDED in names
    return False


def _add(
    name: str, paths: Mapping[str, Path], order: dict[str, Module], kernel: Kernel
) -> None:
    """Add *name* to *order*, after the modules that it depends on."""
    if name in order:
        return
    if name not in paths:
        raise UnavailableError(
            f"kernel {kernel.name} has no module {name}",
            why=f"{kernel.modules} has no {name}.ko",
            fix="Name a kernel with CONFIG_KVM_AMD, and the folder of its modules.",
        )
    content = content_of(paths[name])
    for dependency in depends_of(content):
        _add(dependency, paths, order, kernel)
    order[name] = Module(name, paths[name], content)


def depends_of(content: bytes) -> list[str]:
    """The modules that the section .modinfo of a module names."""
    match = _DEPENDS.search(content)
    names = match[1].decode("ascii", "replace").split(",") if match else []
    return [name.replace("-", "_") for name in names if name]


def content_of(path: Path) -> bytes:
    """
    The decompressed content of a module's file.

    Raises:
        UnavailableError: it cannot be read.
    """
    try:
        return _decompressed(path.suffix, path.read_bytes())
    except UnavailableError as error:
        fix = "Install zstd: apt-get install zstd."
        raise UnavailableError(f"{path} cannot be read", why=str(error), fix=fix) from None
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise UnavailableError(f"{path} cannot be read", why=str(error)) from None


def _decompressed(suffix: str, content: bytes) -> bytes:
    match suffix:
        case ".xz":
            return lzma.decompress(content)
        case ".gz":
            return gzip.decompress(content)
        case ".zst":
            return decompressed_by("zstd", content)
    return content
