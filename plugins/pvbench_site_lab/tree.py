"""
Kernels that are built from a source tree of the user's, with a small configuration.

Objects are kept beside the tree's images in the user's cache, and no file of the tree is
written.  The revisions of a git repository are built one after the other in one worktree, so
that each takes only as long as its changes need.  The files as they are count as a revision,
a commit on top of HEAD that belongs to no branch.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError, UsageError, not_writable
from pvbench.host.cache import cache_folder
from pvbench.host.files import replacing
from pvbench.qemu.kernels import Kernel
from pvbench_site_lab import functions, make, revisions
from pvbench_site_lab.locks import locked
from pvbench_site_lab.store import FIX

_FIX: Final = "Name the folder with the sources, or TREE@REV."


@attrs.frozen
class Tree:
    """
    The sources in the folder *source*.

    Args:
        revision: of its git repository, as a user writes it; '' are the files as they are.
    """

    source: Path
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.source}@{self.revision}" if self.revision else str(self.source)

    @property
    def folder(self) -> Path:
        """The folder in the cache for this tree."""
        digest = hashlib.sha256(os.fsencode(self.source.resolve())).hexdigest()[:12]
        return cache_folder() / "trees" / digest


def tree_at(address: str) -> Tree | None:
    """The tree that ``TREE`` or ``TREE@REV`` names; None if the sources of no kernel do."""
    path, _, revision = address.rpartition("@")
    for tree in (Tree(Path(address)), Tree(Path(path), revision)):
        if (tree.source / "Kconfig").is_file() and (tree.source / "arch/x86/kvm").is_dir():
            return attrs.evolve(tree, source=tree.source.resolve())
    return None


def no_tree(address: str) -> UsageError:
    """The error for an address ``TREE`` or ``TREE@REV`` that names the sources of no kernel."""
    path = address if Path(address).exists() else address.rpartition("@")[0]
    folder = Path(path or address)
    if not folder.exists():
        return UsageError(f"there is no folder {folder}", fix=_FIX)
    why = "a tree has a file Kconfig and a folder arch/x86/kvm"
    return UsageError(f"{folder} is not a tree of a kernel", why=why, fix=_FIX)


def built(tree: Tree, *, may_build: bool = True) -> Kernel:
    """
    The kernel of *tree*, built if it has changed.

    Raises:
        UsageError: there is no such revision.
        UnavailableError: something is missing here, the kernel does not compile, or it had
            to be built and not *may_build*.
    """
    try:
        tree.folder.mkdir(parents=True, exist_ok=True)
        with locked(tree.folder / ".lock"):
            if tree.revision or (tree.source / ".git").exists():
                return _built_commit(tree, may_build=may_build)
            return _built_files(tree, may_build=may_build)
    except OSError as error:
        raise not_writable(Path(error.filename or tree.folder), error, FIX) from None


def _built_files(tree: Tree, *, may_build: bool) -> Kernel:
    """The kernel of files that are in no repository; make finds out what has changed."""
    _check(tree, may_build=may_build)
    objects = tree.folder / "objects"
    make.vmlinux(tree.source, objects, str(tree))
    image = objects / "vmlinux"
    functions.keep(objects, functions_file(image))
    return _kernel(tree, image, make.release(objects), str(tree))


def _built_commit(tree: Tree, *, may_build: bool) -> Kernel:
    """The kernel of a revision, or of the files as they are; it is kept by its commit."""
    commit = revisions.commit_of(tree.source, tree.revision)
    image = tree.folder / f"{commit}-{make.key()}"
    record = image.with_suffix(".release")
    if not record.exists():
        _check(tree, may_build=may_build)
        source = tree.folder / "source"
        revisions.write(commit, tree.source, source)
        objects = tree.folder / "objects-of-revisions"
        make.vmlinux(source, objects, str(tree))
        with replacing(image) as file:
            file.write((objects / "vmlinux").read_bytes())
        functions.keep(objects, functions_file(image))
        record.write_text(make.release(objects))
    return _kernel(tree, image, record.read_text(), f"{tree.source}@{commit[:12]}")


def _check(tree: Tree, *, may_build: bool) -> None:
    """
    Refuse to build *tree* unless *may_build*, and where a program is missing.

    Raises:
        UnavailableError: it would be built, or cannot be.
    """
    if not may_build:
        raise UnavailableError(
            f"the kernel of {tree} would be built first",
            why="that compiles, and nothing may be compiled now",
            fix=f"Build it: `pvbench lab build {tree}`.",
        )
    make.check()


def _kernel(tree: Tree, image: Path, release: str, origin: str) -> Kernel:
    return Kernel(
        name=str(tree),
        release=release,
        image=image,
        functions=functions_file(image),
        facts={"lab_kernel_from": origin},
    )


def functions_file(image: Path) -> Path:
    """The file with the functions of the kernel whose image is *image*."""
    return image.with_name(f"{image.name}.functions")
